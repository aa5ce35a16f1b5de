"""Make MiniStack refuse what exceeds a quota of its services.

| quota | source |
|---|---|
| a payload of 6 MB for a synchronous invocation, of 1 MB for an asynchronous one | Lambda quotas |
| environment variables of 4 KB for a function | Lambda quotas |
| inline policies of 10,240 characters for a role, without white space | IAM and STS quotas |
| a managed policy of 6,144 characters, without white space | IAM and STS quotas |
| an object's key of 1,024 bytes | S3, "Naming Amazon S3 objects" |

`state_machines` has the quota of Step Functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import iam, lambda_svc, s3
from ministack.services.cloudformation import helpers, provisioners

from local_aws.ministack_patches.requirements import require

MEGABYTE = 1024 * 1024
PAYLOAD_BYTES = {"RequestResponse": 6 * MEGABYTE, "Event": MEGABYTE}
ENVIRONMENT_BYTES = 4096
ROLE_POLICY_CHARACTERS = 10_240
MANAGED_POLICY_CHARACTERS = 6144
KEY_BYTES = 1024

TOO_LARGE_ENVIRONMENT = (
    "Lambda was unable to configure your environment variables because the environment variables "
    "you have provided exceeded the 4KB limit."
)
TOO_LARGE_POLICY = f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_CHARACTERS}"

Properties = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
# Returns the reason why the resource's properties are refused, or an empty string.
Check = Callable[[Properties], str]


class QuotaExceededError(Exception):
    """A resource of a template exceeds a quota."""


def install() -> None:
    """Check sizes in the services' APIs, and in the resources of CloudFormation."""
    install_in_lambda()
    install_in_iam()
    install_in_s3()
    require(provisioners, ["_RESOURCE_HANDLERS"])
    require(helpers, ["_sdk_error"])
    for resource_type, check in CHECKS.items():
        handlers = provisioners._RESOURCE_HANDLERS[resource_type]
        for action in ("create", "update"):
            handlers[action] = checked(handlers[action], check)


def install_in_lambda() -> None:
    require(lambda_svc, ["_create_function", "_update_config", "handle_request"])
    stock_handle = lambda_svc.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Response:
        kind = headers.get("x-amz-invocation-type") or "RequestResponse"
        limit = PAYLOAD_BYTES.get(kind)
        if path.endswith("invocations") and limit and len(body) > limit:
            return lambda_error(
                "RequestEntityTooLargeException",
                f"{len(body)} byte payload is too large for the {kind} invocation type "
                f"(limit {limit} bytes)",
                413,
            )
        return await stock_handle(method, path, headers, body, query)  # type: ignore[no-any-return]

    def with_environment_check(stock: Callable[..., Response]) -> Callable[..., Response]:
        def act(*arguments: Any) -> Response:
            refusal = environment_refusal(arguments[-1])
            if refusal:
                return lambda_error("InvalidParameterValueException", refusal, 400)
            return stock(*arguments)

        return act

    lambda_svc.handle_request = handle_request
    lambda_svc._create_function = with_environment_check(lambda_svc._create_function)
    lambda_svc._update_config = with_environment_check(lambda_svc._update_config)


def install_in_iam() -> None:
    names = ["_create_policy", "_create_policy_version", "_put_role_policy"]
    require(iam, [*names, "_IAM_HANDLERS", "_error", "_p", "_roles"])
    stock_put = iam._put_role_policy

    def put_role_policy(parameters: Any) -> Response:
        name, policy = (iam._p(parameters, key) for key in ("RoleName", "PolicyName"))
        inline = iam._roles.get(name, {}).get("InlinePolicies", {})
        documents = {**inline, policy: iam._p(parameters, "PolicyDocument")}
        refusal = role_refusal(name, documents.values())
        return limit_exceeded(refusal) if refusal else stock_put(parameters)

    def with_size_check(stock: Callable[[Any], Response]) -> Callable[[Any], Response]:
        def act(parameters: Any) -> Response:
            refusal = managed_policy_refusal(
                {"PolicyDocument": iam._p(parameters, "PolicyDocument")}
            )
            return limit_exceeded(refusal) if refusal else stock(parameters)

        return act

    iam._put_role_policy = put_role_policy
    iam._create_policy = with_size_check(iam._create_policy)
    iam._create_policy_version = with_size_check(iam._create_policy_version)
    for action, name in (
        ("PutRolePolicy", "_put_role_policy"),
        ("CreatePolicy", "_create_policy"),
        ("CreatePolicyVersion", "_create_policy_version"),
    ):
        iam._IAM_HANDLERS[action] = getattr(iam, name)


def install_in_s3() -> None:
    require(s3, ["_dispatch", "_error"])
    stock_dispatch = s3._dispatch

    def dispatch(method: str, bucket: str, key: str, *arguments: Any) -> Response:
        size = len(key.encode())
        if size > KEY_BYTES:
            refused: Response = s3._error(
                "KeyTooLongError",
                "Your key is too long",
                400,
                extra={"Size": str(size), "MaxSizeAllowed": str(KEY_BYTES)},
            )
            return refused
        return stock_dispatch(method, bucket, key, *arguments)  # type: ignore[no-any-return]

    s3._dispatch = dispatch


def checked(stock: Callable[..., Any], check: Check) -> Callable[..., Any]:
    """Return a resource's handler that first checks the last properties it is given."""

    def provision(*arguments: Any) -> Any:
        properties = [argument for argument in arguments if isinstance(argument, dict)][-1]
        refusal = check(properties)
        if refusal:
            raise QuotaExceededError(refusal)
        return stock(*arguments)

    return provision


def environment_refusal(properties: Properties) -> str:
    """Return Lambda's message, which also repeats the variables, with their secrets."""
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    size = len(compact(variables).encode())
    return TOO_LARGE_ENVIRONMENT if size > ENVIRONMENT_BYTES else ""


def role_refusal(name: str, documents: Any) -> str:
    if sum(characters(document) for document in documents) <= ROLE_POLICY_CHARACTERS:
        return ""
    return f"Maximum policy size of {ROLE_POLICY_CHARACTERS} bytes exceeded for role {name}"


def managed_policy_refusal(properties: Properties) -> str:
    size = characters(properties["PolicyDocument"])
    return TOO_LARGE_POLICY if size > MANAGED_POLICY_CHARACTERS else ""


def function_check(properties: Properties) -> str:
    refusal = environment_refusal(properties)
    return resource_error(refusal, "Lambda", 400) if refusal else ""


def role_check(properties: Properties) -> str:
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies") or []]
    refusal = role_refusal(properties.get("RoleName", ""), documents)
    return resource_error(refusal.rstrip(), "Iam", 409) if refusal else ""


def managed_policy_check(properties: Properties) -> str:
    refusal = managed_policy_refusal(properties)
    return resource_error(refusal, "Iam", 409) if refusal else ""


CHECKS: dict[str, Check] = {
    "AWS::IAM::ManagedPolicy": managed_policy_check,
    "AWS::IAM::Role": role_check,
    "AWS::Lambda::Function": function_check,
}


def characters(document: Any) -> int:
    """Return the length of a policy without white space, as IAM counts it."""
    if not isinstance(document, str):
        return len(compact(document))
    try:
        return len(compact(json.loads(document)))
    except ValueError:
        return 0  # IAM refuses it as malformed


def compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def lambda_error(code: str, message: str, status: int) -> Response:
    response: Response = error_response_json(code, message, status)
    return response


def limit_exceeded(message: str) -> Response:
    response: Response = iam._error(409, "LimitExceeded", message, ns="iam")
    return response


def resource_error(message: str, service: str, status: int) -> str:
    """Return an error in the form in which resource handlers report a service's."""
    text: str = helpers._sdk_error(message, service, status)
    return text
