"""Authorize calls of the code interpreter's API with MiniStack's IAM evaluator.

The gap: MiniStack authorizes calls of its own services only, and keeps no record of decisions.
The emulator asks the same evaluator, and every decision is recorded: least-privilege tests compare
the record with the policies that the constructs synthesize.
"""

from __future__ import annotations

import collections
from dataclasses import asdict, dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, set_request_account_id

from agentcore_emulator.model.errors import AccessDeniedError
from agentcore_emulator.service.authorization import AccessRequest
from local_aws.ministack_patches.requirements import require

RECORDED_DECISIONS = 20_000


@dataclass(frozen=True)
class Decision:
    """One evaluation of IAM policies: the caller, its request, and the decision."""

    access_key: str
    principal: str
    action: str
    resource: str
    decision: str


decisions: collections.deque[Decision] = collections.deque(maxlen=RECORDED_DECISIONS)


def install() -> None:
    """Record every decision of MiniStack's evaluator."""
    require(iam_evaluator, ["enforce", "find_iam_access_key_account", "resolve_principal"])
    stock_enforce = iam_evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = stock_enforce(
            access_key_id, iam_action, service, region, resource_arn, service_context
        )
        principal = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
        decisions.append(
            Decision(
                access_key=access_key_id,
                principal=getattr(principal, "arn", "unknown"),
                action=iam_action,
                resource=resource_arn,
                decision=getattr(denied, "decision", "Deny") if denied else "Allow",
            )
        )
        return denied

    iam_evaluator.enforce = enforce


def authorize(request: AccessRequest) -> None:
    """Raise AccessDeniedError unless the caller's policies allow the call."""
    set_request_account_id(request.account)
    denied = iam_evaluator.enforce(
        request.access_key,
        request.action,
        "bedrock-agentcore",
        request.region,
        request.resource_arn,
        dict(request.context),
    )
    if denied:
        principal = getattr(denied, "principal_arn", "") or request.access_key
        raise AccessDeniedError(
            f"User: {principal} is not authorized to perform: {request.action} "
            f"on resource: {request.resource_arn}"
        )


def recorded_decisions() -> list[dict[str, str]]:
    """Return the decisions as JSON objects, oldest first."""
    return [asdict(decision) for decision in decisions]


def account_of(access_key: str) -> str:
    """Return the 12-digit account of an access key, which may be a role's temporary key."""
    set_request_account_id(iam_evaluator.find_iam_access_key_account(access_key) or access_key)
    return str(get_account_id())
