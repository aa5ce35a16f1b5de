"""Make MiniStack refuse what exceeds a quota of its services.

| quota | source |
|---|---|
| a payload of 6 MB for a synchronous invocation, of 1 MB for an asynchronous one | Lambda quotas |
| environment variables of 4 KB for a function | Lambda quotas |
| inline policies of 10,240, 2,048 and 5,120 characters for a role, user and group | IAM quotas |
| a managed policy of 6,144 characters, a trust policy of 2,048 | IAM quotas |
| an object's key of 1,024 bytes | S3, "Naming Amazon S3 objects" |

IAM does not count white space. `state_machines` has the quota of Step Functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import iam, lambda_svc, s3
from ministack.services.cloudformation import helpers, provisioners

from local_aws.ministack_patches.requirements import require
from local_aws.ministack_patches.resource_types import Properties

MEGABYTE = 1024 * 1024
PAYLOAD_BYTES = {"RequestResponse": 6 * MEGABYTE, "Event": MEGABYTE}
ENVIRONMENT_BYTES = 4096
INLINE_POLICY_CHARACTERS = {"role": 10_240, "user": 2048, "group": 5120}
MANAGED_POLICY_CHARACTERS = 6144
TRUST_POLICY_CHARACTERS = 2048
KEY_BYTES = 1024

TOO_LARGE_ENVIRONMENT = (
    "Lambda was unable to configure your environment variables because the environment variables "
    "you have provided exceeded the 4KB limit."
)
TOO_LARGE_POLICY = f"Cannot exceed quota for PolicySize: {MANAGED_POLICY_CHARACTERS}"
TOO_LARGE_TRUST = f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS}"

Response = tuple[int, dict[str, str], bytes]
# Returns the reason why the resource's properties are refused, or an empty string.
Check = Callable[[Properties], str]
PolicyCheck = Callable[[dict[str, str]], str]

# The parameter with the name of what a policy is put on.
ENTITIES = {"role": "RoleName", "user": "UserName", "group": "GroupName"}


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
        response: Response = await stock_handle(method, path, headers, body, query)
        return response

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
    """Check policies where the actions store them, which CloudFormation's handlers call, too."""
    checks: dict[str, tuple[str, PolicyCheck]] = {
        "PutRolePolicy": ("_put_role_policy", inline_check("role")),
        "PutUserPolicy": ("_put_user_policy", inline_check("user")),
        "PutGroupPolicy": ("_put_group_policy", inline_check("group")),
        "CreatePolicy": ("_create_policy", managed_policy_refusal),
        "CreatePolicyVersion": ("_create_policy_version", managed_policy_refusal),
        "CreateRole": ("_create_role", trust_refusal),
        "UpdateAssumeRolePolicy": ("_update_assume_role_policy", trust_refusal),
    }
    stores = ["_group_inline_policies", "_roles", "_user_inline_policies"]
    require(iam, [*stores, *(name for name, _ in checks.values()), "_IAM_HANDLERS", "_error", "_p"])
    for action, (name, check) in checks.items():
        checking = with_policy_check(getattr(iam, name), check)
        setattr(iam, name, checking)
        iam._IAM_HANDLERS[action] = checking


def with_policy_check(
    stock: Callable[[Any], Response], check: PolicyCheck
) -> Callable[[Any], Response]:
    def act(parameters: Any) -> Response:
        names = ("AssumeRolePolicyDocument", "PolicyDocument", "PolicyName", *ENTITIES.values())
        refusal = check({name: iam._p(parameters, name) for name in names})
        return limit_exceeded(refusal) if refusal else stock(parameters)

    return act


def inline_check(kind: str) -> PolicyCheck:
    def check(parameters: Properties) -> str:
        name = parameters[ENTITIES[kind]]
        documents = {
            **inline_policies(kind, name),
            parameters["PolicyName"]: parameters["PolicyDocument"],
        }
        return inline_refusal(kind, name, documents.values())

    return check


def inline_policies(kind: str, name: str) -> dict[str, str]:
    if kind == "role":
        return dict(iam._roles.get(name, {}).get("InlinePolicies", {}))
    stores = {"user": iam._user_inline_policies, "group": iam._group_inline_policies}
    return dict(stores[kind].get(name) or {})


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
        response: Response = stock_dispatch(method, bucket, key, *arguments)
        return response

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


def inline_refusal(kind: str, name: str, documents: Iterable[Any]) -> str:
    limit = INLINE_POLICY_CHARACTERS[kind]
    if sum(map(characters, documents)) <= limit:
        return ""
    return f"Maximum policy size of {limit} bytes exceeded for {kind} {name}"


def managed_policy_refusal(properties: Properties) -> str:
    size = characters(properties["PolicyDocument"])
    return TOO_LARGE_POLICY if size > MANAGED_POLICY_CHARACTERS else ""


def trust_refusal(properties: Properties) -> str:
    """Check the trust policy of a role, which UpdateAssumeRolePolicy calls its document."""
    document = properties.get("AssumeRolePolicyDocument") or properties.get("PolicyDocument", "")
    return TOO_LARGE_TRUST if characters(document) > TRUST_POLICY_CHARACTERS else ""


def function_check(properties: Properties) -> str:
    refusal = environment_refusal(properties)
    return resource_error(refusal, "Lambda", 400) if refusal else ""


def role_check(properties: Properties) -> str:
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies") or []]
    name = properties.get("RoleName", "")
    refusal = inline_refusal("role", name, documents) or trust_refusal(properties)
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
