"""Make MiniStack treat custom resources as CloudFormation does.

The gaps:

- CloudFormation invokes the function asynchronously, so Lambda retries an event up to two times
  when the function fails or is killed. MiniStack invokes it once, and then waits for an hour unless
  the template sets a shorter timeout. Here the resource fails after the last attempt, and its
  reason names the function's error;
- after a failed Create, CloudFormation sends a Delete with the physical id from the response, or
  with a generated id if there was no response. MiniStack sends nothing, so a handler that leaves
  resources behind would go unnoticed.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import custom_resource

from local_aws.ministack_patches.requirements import require

# Lambda retries an asynchronous invocation twice, after one and two minutes. Only the delay is
# shorter here.
RETRIES = 2
RETRY_DELAY_SECONDS = 0.2


def install() -> None:
    """Repeat failed invocations, and clean up after a failed Create."""
    require(custom_resource, ["deliver_response", "invoke_custom_resource", "register_token"])
    require(lambda_svc, ["_execute_function_with_config_scope"])
    stock_invoke = custom_resource.invoke_custom_resource
    stock_deliver = custom_resource.deliver_response
    stock_register = custom_resource.register_token
    stock_execute = lambda_svc._execute_function_with_config_scope
    responses: dict[str, dict[str, Any]] = {}
    current = threading.local()

    def register_token(token: str) -> threading.Event:
        current.token = token
        return stock_register(token)  # type: ignore[no-any-return]

    def deliver_response(token: str, response: dict[str, Any]) -> bool:
        responses.setdefault(token, response)
        return stock_deliver(token, response)  # type: ignore[no-any-return]

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
            return stock_invoke(request_type, *where, physical_id, old_props)  # type: ignore[no-any-return]
        except (RuntimeError, TimeoutError):
            if request_type == "Create":
                response = responses.get(current.token, {})
                left_over = response.get(
                    "PhysicalResourceId", f"{stack_name}-{logical_id}-NEVERMADE"
                )
                stock_invoke("Delete", *where, left_over)
            raise

    custom_resource.register_token = register_token
    custom_resource.deliver_response = deliver_response
    custom_resource.invoke_custom_resource = invoke_custom_resource
    lambda_svc._execute_function_with_config_scope = execute


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
