"""Authorize calls of the code interpreter's API with MiniStack's IAM evaluator.

The gap: MiniStack authorizes calls of its own services only, and keeps no record of decisions.
The emulator asks the same evaluator, also about execution roles, and every decision is recorded:
least-privilege tests compare the record with the policies that the constructs synthesize.
"""

from __future__ import annotations

import collections
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, set_request_account_id
from ministack.services import iam, sts

from agentcore_emulator.instance_metadata import Credentials
from agentcore_emulator.model.errors import AccessDeniedError
from agentcore_emulator.service.authorization import AccessRequest
from agentcore_emulator.service.owner import Owner
from local_aws.ministack_patches.requirements import require
from local_aws.ministack_patches.s3_condition_keys import keys_of_request
from local_aws.ministack_patches.vpc_endpoints import endpoint_of_request, policy_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

RECORDED_DECISIONS = 20_000
SERVICE = "bedrock-agentcore.amazonaws.com"


@dataclass(frozen=True)
class Decision:
    """One evaluation of IAM policies: the caller, its request, and the decision.

    `context` has the request's condition keys, in lower case. It is empty for the global keys, such
    as the caller's account, which follow from the other members.
    """

    access_key: str
    principal: str
    action: str
    resource: str
    decision: str
    region: str = ""
    context: dict[str, Any] = field(default_factory=dict)


decisions: collections.deque[Decision] = collections.deque(maxlen=RECORDED_DECISIONS)


def install() -> None:
    """Record every decision of MiniStack's evaluator."""
    require(iam, ["_gen_secret", "_gen_session_access_key", "_gen_session_token", "_roles"])
    require(sts, ["_assumed_role_arn", "_role_id", "_sessions", "register_session"])
    require(
        iam_evaluator,
        [
            "EvalContext",
            "_gather_role_policies",
            "_permissions_boundary",
            "enforce",
            "evaluate",
            "evaluate_resource_policy",
            "find_iam_access_key_account",
            "resolve_principal",
        ],
    )
    stock_enforce = iam_evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        endpoint = endpoint_of_request.get()() if service == "s3" else None
        if service == "s3":
            service_context = {**(service_context or {}), **keys_of_request.get({})}
        if endpoint:
            service_context = {
                **(service_context or {}),
                "aws:SourceVpce": endpoint["VpcEndpointId"],
                "aws:SourceVpc": endpoint["VpcId"],
            }
        denied = stock_enforce(
            access_key_id, iam_action, service, region, resource_arn, service_context
        )
        principal = iam_evaluator.resolve_principal(access_key_id or "", get_account_id())
        if endpoint and not denied:
            denied = refusal_of_endpoint(endpoint, principal, iam_action, region, resource_arn)
        decisions.append(
            Decision(
                access_key=access_key_id,
                principal=getattr(principal, "arn", "unknown"),
                action=iam_action,
                resource=resource_arn,
                decision=getattr(denied, "decision", "Deny") if denied else "Allow",
                region=region,
                context=lower_case(service_context or {}),
            )
        )
        return denied

    iam_evaluator.enforce = enforce


def refusal_of_endpoint(
    endpoint: dict[str, Any], principal: Any, action: str, region: str, resource_arn: str
) -> Any:
    """Return the denial of an endpoint's policy, or None if it admits the request."""
    policy = policy_of(endpoint)
    if policy is None:
        return None
    request = iam_evaluator.EvalContext(
        principal_arn=getattr(principal, "arn", ""),
        principal_type=getattr(principal, "type", ""),
        principal_account=getattr(principal, "account", ""),
        action=action,
        resource_arn=resource_arn,
        region=region,
    )
    result = iam_evaluator.evaluate_resource_policy(policy, request)
    if result.decision == "Allow":
        return None
    result.principal_arn = request.principal_arn
    return result


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


class IamRoles:
    """The execution roles in MiniStack's IAM.

    `enforce_policies` makes their permissions count; their trust always does. Their credentials are
    those of STS, whose sessions MiniStack's evaluator knows.
    """

    def __init__(self, *, enforce_policies: bool) -> None:
        self._enforce_policies = enforce_policies

    def trusts_service(self, owner: Owner, role_arn: str, interpreter_arn: str) -> bool:
        role = find_role(owner, role_arn)
        if role is None:
            return False
        source = {"aws:sourceaccount": owner.account, "aws:sourcearn": interpreter_arn}
        context = evaluation(owner, "", "sts:AssumeRole", role_arn, source)
        trust = json.loads(role["AssumeRolePolicyDocument"])
        result = iam_evaluator.evaluate_resource_policy(on_any_resource(trust), context, SERVICE)
        return is_allowed(SERVICE, context, result.decision)

    def can_mount(self, owner: Owner, role_arn: str, filesystem: dict[str, Any]) -> bool:
        service, target = mount_target(filesystem)
        access_point = {f"{service}:accesspointarn": target["accessPointArn"]}
        actions = [f"{service}:{action}" for action in ("ClientMount", "ClientWrite")]
        return all(
            self._allows(owner, role_arn, action, target["fileSystemArn"], access_point)
            for action in actions
        )

    def can_describe_mount(self, owner: Owner, role_arn: str, filesystem: dict[str, Any]) -> bool:
        service, target = mount_target(filesystem)
        file_system, access_point = target["fileSystemArn"], target["accessPointArn"]
        if service == "s3files":
            needed = [("GetAccessPoint", access_point), ("ListMountTargets", file_system)]
        else:
            needed = [
                (action, resource)
                for action in ("DescribeAccessPoints", "DescribeMountTargets")
                for resource in (file_system, access_point)
            ]
        # None of these actions has the condition key of the access point.
        return all(
            self._allows(owner, role_arn, f"{service}:{action}", resource, {})
            for action, resource in needed
        )

    def _allows(
        self, owner: Owner, role_arn: str, action: str, resource: str, context: dict[str, str]
    ) -> bool:
        if not self._enforce_policies:
            return True
        name = role_arn.rpartition("/")[2]
        policies = iam_evaluator._gather_role_policies(name, owner.account)
        limits = iam_evaluator._permissions_boundary(iam._roles, name, owner.account)
        request = evaluation(owner, role_arn, action, resource, context)
        decision = iam_evaluator.evaluate(request, policies, *limits).decision
        return is_allowed(role_arn, request, decision)

    def assume(self, owner: Owner, role_arn: str, lifetime: timedelta) -> Credentials:
        # AWS does not document the name, so no policy can rely on it: it differs each time.
        name = f"code-interpreter-{secrets.token_hex(8)}"
        expires_at = datetime.now(UTC) + lifetime
        credentials = Credentials(
            access_key_id=iam._gen_session_access_key(),
            secret_access_key=iam._gen_secret(),
            session_token=iam._gen_session_token(),
            expires_at=expires_at,
        )
        assumed_arn, _ = sts._assumed_role_arn(role_arn, name)
        sts.register_session(
            credentials.access_key_id,
            {
                "Arn": assumed_arn,
                "UserId": f"{sts._role_id(role_arn)}:{name}",
                "SecretAccessKey": credentials.secret_access_key,
                "SessionToken": credentials.session_token,
                "Expiration": expires_at.timestamp(),
                "AccountId": owner.account,
                "PrincipalType": "AssumedRole",
            },
        )
        return credentials

    def revoke(self, credentials: Credentials) -> None:
        sts._sessions.pop(credentials.access_key_id, None)


def mount_target(filesystem: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the IAM name of a filesystem's service, and the ARNs to mount."""
    [(kind, target)] = filesystem.items()
    return ("s3files" if kind == "s3FilesConfiguration" else "elasticfilesystem"), target


def find_role(owner: Owner, role_arn: str) -> dict[str, Any] | None:
    name = role_arn.rpartition("/")[2]
    role: dict[str, Any] | None = iam._roles.get_scoped(owner.account, None, name)
    return role if role and role["Arn"] == role_arn else None


def evaluation(
    owner: Owner, principal_arn: str, action: str, resource_arn: str, context: dict[str, str]
) -> Any:
    """Return an evaluation's context, whose keys are in lower case."""
    return iam_evaluator.EvalContext(
        principal_arn=principal_arn,
        principal_type="AssumedRole",
        principal_account=owner.account,
        action=action,
        resource_arn=resource_arn,
        region=owner.region,
        service_context=context,
    )


def is_allowed(principal: str, context: Any, decision: str) -> bool:
    """Record a decision about an execution role, and tell whether it allows."""
    decisions.append(
        Decision(
            access_key="",
            principal=principal,
            action=context.action,
            resource=context.resource_arn,
            decision=decision,
            region=context.region,
            context=lower_case(context.service_context),
        )
    )
    return decision == "Allow"


def lower_case(context: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in context.items()}


def on_any_resource(trust: dict[str, Any]) -> dict[str, Any]:
    """Return a trust policy, which names no resource, as a policy of a resource."""
    statements = trust["Statement"]
    statements = [statements] if isinstance(statements, dict) else statements
    return {"Statement": [{**statement, "Resource": "*"} for statement in statements]}


def recorded_decisions() -> list[dict[str, Any]]:
    """Return the decisions as JSON objects, oldest first."""
    return [asdict(decision) for decision in decisions]


def account_of(access_key: str) -> str:
    """Return the 12-digit account of an access key, which may be a role's temporary key."""
    set_request_account_id(iam_evaluator.find_iam_access_key_account(access_key) or access_key)
    return str(get_account_id())
