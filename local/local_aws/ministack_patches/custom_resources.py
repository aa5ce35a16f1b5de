"""Make MiniStack treat custom resources as CloudFormation does.

The gaps:

- CloudFormation invokes the function asynchronously, so Lambda retries an event up to two times
  when the function fails or is killed. MiniStack invokes it once, and then waits for an hour unless
  the template sets a shorter timeout. Here the resource fails after the last attempt, and its
  reason names the function's error;
- after a failed Create, CloudFormation's rollback sends a Delete with the physical id from the
  response, or with a generated id if there was no response. MiniStack sends nothing, so a handler
  that leaves resources behind would go unnoticed. If the Delete fails, too, its events name the
  resource that is left, and the reason of the Create stays;
- CloudFormation refuses a response of more than 4,096 bytes.
"""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import _stacks, custom_resource, handlers, stacks

from local_aws.ministack_patches.requirements import require

# Lambda retries an asynchronous invocation twice, after one and two minutes. Only the delay is
# shorter here.
RETRIES = 2
RETRY_DELAY_SECONDS = 0.2

# The developer guide of custom resources, "Custom resource response objects".
MAX_RESPONSE_BYTES = 4096
TOO_LONG = "Response object is too long."

# The size of the response in the current request.
response_size: ContextVar[int] = ContextVar("response_size", default=0)

Operation = dict[str, Any]


def remember_response_size(content_length: str | None) -> None:
    """Keep the length of the current request's body, which MiniStack parses before it is known."""
    response_size.set(int(content_length or 0))


def install() -> None:
    """Repeat failed invocations, check responses, and clean up after a failed Create."""
    require(custom_resource, ["deliver_response", "invoke_custom_resource", "register_token"])
    require(lambda_svc, ["_execute_function_with_config_scope"])
    for module in (handlers, stacks):
        require(module, ["_roll_back_operation"])
    stock_invoke = custom_resource.invoke_custom_resource
    stock_deliver = custom_resource.deliver_response
    stock_register = custom_resource.register_token
    stock_execute = lambda_svc._execute_function_with_config_scope
    stock_roll_back = stacks._roll_back_operation
    responses: dict[str, dict[str, Any]] = {}
    failed_creates: dict[tuple[str, str], dict[str, Any]] = {}
    current = threading.local()

    def register_token(token: str) -> threading.Event:
        current.token = token
        event: threading.Event = stock_register(token)
        return event

    def deliver_response(token: str, response: dict[str, Any]) -> bool:
        if response_size.get() > MAX_RESPONSE_BYTES:
            response = {"Status": "FAILED", "Reason": TOO_LONG}
        responses.setdefault(token, response)
        return bool(stock_deliver(token, response))

    def execute(func: dict[str, Any], event: Any) -> dict[str, Any]:
        result: dict[str, Any] = stock_execute(func, event)
        for _ in range(RETRIES if is_custom_resource(event) else 0):
            if not result.get("error"):
                break
            time.sleep(RETRY_DELAY_SECONDS)
            result = stock_execute(func, event)
        if is_custom_resource(event) and result.get("error"):
            token = event["ResponseURL"].rpartition("/")[2]
            if token not in responses:
                deliver_response(
                    token, {"Status": "FAILED", "Reason": no_response_reason(event, result)}
                )
        return result

    def invoke_custom_resource(
        request_type: str,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        where = (logical_id, props, stack_name, stack_id, resource_type)
        try:
            invoked: tuple[str, dict[str, Any]] = stock_invoke(
                request_type, *where, physical_id, old_props
            )
        except (RuntimeError, TimeoutError) as failure:
            if request_type == "Create":
                response = responses.get(current.token, {})
                left_over = response.get(
                    "PhysicalResourceId", f"{stack_name}-{logical_id}-NEVERMADE"
                )
                if is_nested(stack_name):
                    delete_at_once(failure, left_over, *where)
                failed_creates[stack_id, logical_id] = {
                    "PhysicalResourceId": left_over,
                    "ResourceType": resource_type,
                    "ResourceStatus": "CREATE_FAILED",
                    "LogicalResourceId": logical_id,
                    "Properties": props,
                    "Attributes": {},
                }
            raise
        return invoked

    def delete_at_once(failure: Exception, left_over: str, *where: Any) -> None:
        """Delete where no rollback will: MiniStack rolls no nested stack back."""
        try:
            stock_invoke("Delete", *where, left_over)
        except (RuntimeError, TimeoutError) as clean_up:
            raise RuntimeError(
                f"{failure} The clean-up failed, too, and left {left_over}: {clean_up}"
            ) from failure

    async def roll_back_operation(
        stack_name: str,
        stack_id: str,
        stack: dict[str, Any],
        operation: Operation,
        reason_override: str = "",
    ) -> None:
        logical_id = operation.get("failed_logical_id") or ""
        left_over = failed_creates.pop((stack_id, logical_id), None)
        if left_over is not None:
            stack.setdefault("_resources", {})[logical_id] = left_over
            operation = {**operation, "created": [*operation["created"], logical_id]}
        await stock_roll_back(stack_name, stack_id, stack, operation, reason_override)
        if stack["StackStatus"] == "ROLLBACK_FAILED":
            # MiniStack forgets them; in CloudFormation the stack's deletion tries again.
            stack["_resources"] |= {
                name: {**record, "LogicalResourceId": name, "ResourceStatus": "DELETE_FAILED"}
                for name, record in stack["_rollback_failed"].items()
            }

    custom_resource.register_token = register_token
    custom_resource.deliver_response = deliver_response
    custom_resource.invoke_custom_resource = invoke_custom_resource
    lambda_svc._execute_function_with_config_scope = execute
    for module in (handlers, stacks):
        module._roll_back_operation = roll_back_operation


def is_nested(stack_name: str) -> bool:
    return "_parent_stack_name" in _stacks.get(stack_name, {})


def no_response_reason(event: dict[str, Any], result: dict[str, Any]) -> str:
    """Return CloudFormation's message, followed by the function's error, which AWS does not add."""
    body = result.get("body")
    error = body.get("errorMessage", body) if isinstance(body, dict) else body
    return (
        "CloudFormation did not receive a response from your Custom Resource. Please check your "
        f"logs for requestId [{event['RequestId']}]. (The function failed {1 + RETRIES} "
        f"times: {error})"
    )


def is_custom_resource(event: Any) -> bool:
    return isinstance(event, dict) and {"ResponseURL", "LogicalResourceId"} <= event.keys()
