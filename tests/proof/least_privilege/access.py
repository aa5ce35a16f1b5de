"""Requests, policies, and the evaluation of one by the other.

The evaluator is the local AWS's. A request of the local AWS and its replay are decided alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ministack.core import iam_evaluator

ANY_TLS = "1.3"
# The condition operators with which `test_access.py` tests the evaluator.
OPERATORS = {
    "ArnLike",
    "Bool",
    "ForAllValues:StringEquals",
    "Null",
    "NumericGreaterThan",
    "NumericLessThan",
    "StringEquals",
    "StringEqualsIfExists",
    "StringLike",
    "StringNotEquals",
}
Context = tuple[tuple[str, Any], ...]
Body = dict[str, Any]
Kind = Literal["role", "trust", "bucket", "function", "key", "logs"]
# The resource policies of CloudWatch Logs are an account's, and not a log group's.
LOG_POLICIES = "the resource policies of CloudWatch Logs"


@dataclass(frozen=True)
class Request:
    """A request as IAM sees it.

    :ivar principal: The name of a role, or of a service.
    :ivar source: The stack whose role or resource it is about.
    :ivar origin: "recorded", or the reason for which it is known without a record.
    """

    principal: str
    action: str
    resource: str
    context: Context
    account: str
    region: str
    source: str
    origin: str = "recorded"

    @property
    def keys(self) -> dict[str, Any]:
        return dict(self.context)

    def with_keys(self, **changes: Any) -> Request:
        """Return the request with changed condition keys; None removes a key."""
        keys = {**self.keys, **changes}
        return replace(self, context=frozen(keys))


def frozen(keys: Mapping[str, Any]) -> Context:
    """Return condition keys in a form that can be compared and hashed, without absent keys."""
    return tuple(
        sorted(
            (key, tuple(value) if isinstance(value, list) else value)
            for key, value in keys.items()
            if value is not None
        )
    )


@dataclass(frozen=True)
class Statement:
    """A statement of a deployed policy.

    :ivar holder: The name of the role that has it or that it lets assume, the ARN of the bucket,
        function or key, or `LOG_POLICIES`.
    :ivar number: Its place in the template's policy document.
    """

    stack: str
    kind: Kind
    holder: str
    document: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.stack}/{self.document}[{self.number}]"


class Policies:
    """The statements of all stacks, by the role or resource that holds them."""

    def __init__(self, statements: Iterable[tuple[Statement, Body]], account: str) -> None:
        self.account = account
        self.bodies: dict[Statement, Body] = dict(statements)
        self._parsed = {statement: parse(body) for statement, body in self.bodies.items()}
        self._held: dict[tuple[Kind, str], list[Statement]] = {}
        for statement in self.bodies:
            self._held.setdefault((statement.kind, statement.holder), []).append(statement)

    def allows(
        self, request: Request, changed: Mapping[Statement, Body | None] | None = None
    ) -> bool:
        """Tell whether the policies allow a request; `changed` has mutated statements."""
        changed = changed or {}
        context = evaluation_context(request)
        if is_service(request.principal):
            [(kind, holder)] = holders(request)
            document = {"Statement": self._documents(kind, holder, changed)}
            result = iam_evaluator.evaluate_resource_policy(document, context, request.principal)
            return bool(result.decision == "Allow")
        statements = [
            parsed
            for statement in self._held.get(("role", request.principal), [])
            for parsed in (
                self._parsed[statement] if statement not in changed else parse(changed[statement])
            )
        ]
        result = iam_evaluator.evaluate(context, [statements])
        for kind, holder in resource_holders(request):
            if kind == "key" and (kind, holder) not in self._held:
                continue  # the policy of a key that no stack has lets the account's IAM decide
            document = {"Statement": self._documents(kind, holder, changed)}
            result = iam_evaluator.combine_resource_policy(
                result, context, document, self.account, required=kind == "key"
            )
        return bool(result.decision == "Allow")

    def matching(self, request: Request) -> list[Statement]:
        """Return the statements that match a request, whatever their effect."""
        context = evaluation_context(request)
        return [
            statement
            for kind, holder in holders(request)
            for statement in self._held.get((kind, holder), [])
            if (
                iam_evaluator.evaluate(context, [self._parsed[statement]])
                if kind == "role"
                else iam_evaluator.evaluate_resource_policy(
                    {"Statement": [{"Resource": "*", **self.bodies[statement]}]},
                    context,
                    request.principal,
                )
            ).decision
            != "ImplicitDeny"
        ]

    def _documents(
        self, kind: Kind, holder: str, changed: Mapping[Statement, Body | None]
    ) -> list[Body]:
        bodies = [
            changed.get(statement, self.bodies[statement])
            for statement in self._held.get((kind, holder), [])
        ]
        # A trust policy names no resource.
        return [{"Resource": "*", **body} for body in bodies if body is not None]


def holders(request: Request) -> list[tuple[Kind, str]]:
    """Return the kinds and the holders of the policies that decide on a request."""
    if not is_service(request.principal):
        return [("role", request.principal), *resource_holders(request)]
    match request.action.partition(":")[0]:
        case "sts":
            return [("trust", request.resource.rpartition("/")[2])]
        case "logs":
            return [("logs", LOG_POLICIES)]
        case _:
            return resource_holders(request)


def resource_holders(request: Request) -> list[tuple[Kind, str]]:
    """Return the resources whose own policies decide on a request."""
    if request.action.startswith("kms:"):
        return [("key", request.resource)]
    if request.resource.startswith("arn:aws:s3:::"):
        return [("bucket", request.resource.partition("/")[0])]
    if request.action.startswith("lambda:"):
        return [("function", request.resource)]
    return []


def parse(body: Body | None) -> list[Any]:
    return [] if body is None else list(iam_evaluator.parse_policy_document({"Statement": body}))


def evaluation_context(request: Request) -> Any:
    keys = {
        key: list(value) if isinstance(value, tuple) else value for key, value in request.context
    }
    secure = keys.pop("aws:securetransport", "true") == "true"
    keys.setdefault("aws:tagkeys", None)
    keys.setdefault("s3:tlsversion", ANY_TLS)
    service = is_service(request.principal)
    return iam_evaluator.EvalContext(
        principal_arn=""
        if service
        else f"arn:aws:sts::{request.account}:assumed-role/{request.principal}/session",
        principal_type="AssumedRole",
        principal_account=request.account,
        action=request.action,
        resource_arn=request.resource,
        region=request.region,
        source_ip="127.0.0.1",
        secure_transport=secure,
        service_context=keys,
    )


def is_service(principal: str) -> bool:
    return principal.endswith(".amazonaws.com")


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
