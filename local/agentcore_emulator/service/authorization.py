"""The facts on which an access decision rests. The emulator's owner makes the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentcore_emulator.model.errors import ResourceNotFoundError
from agentcore_emulator.service.control import ControlPlane
from agentcore_emulator.service.owner import Owner

ConditionValue = str | list[str]


@dataclass(frozen=True)
class AccessRequest:
    """A request as IAM sees it. `context` has its condition keys."""

    access_key: str
    account: str
    region: str
    action: str
    resource_arn: str
    context: Mapping[str, ConditionValue]


# Refuses a request by raising `errors.AccessDeniedError`.
Authorize = Callable[[AccessRequest], None]


def access_request(
    owner: Owner,
    access_key: str,
    operation: str,
    params: Mapping[str, Any],
    interpreters: ControlPlane,
) -> AccessRequest:
    """Return the action, the resource and the condition keys of a request.

    In IAM's service authorization reference, Create and List name no resource, and a custom
    interpreter has its tags.
    """
    identifier = params.get("codeInterpreterId") or params.get("codeInterpreterIdentifier")
    interpreter_arn = owner.interpreter_arn(identifier.rpartition("/")[2]) if identifier else "*"
    arn = params.get("resourceArn", interpreter_arn)
    return AccessRequest(
        access_key=access_key,
        account=owner.account,
        region=owner.region,
        action=f"bedrock-agentcore:{operation}",
        resource_arn=arn,
        context={
            **tag_conditions("aws:RequestTag", params.get("tags", {})),
            **tag_key_conditions([*params.get("tags", {}), *params.get("tagKeys", [])]),
            **network_conditions(params.get("networkConfiguration", {}).get("vpcConfig", {})),
            **tag_conditions("aws:ResourceTag", resource_tags(owner, arn, interpreters)),
        },
    )


def tag_conditions(prefix: str, tags: Mapping[str, str]) -> dict[str, ConditionValue]:
    return {f"{prefix}/{key}": value for key, value in tags.items()}


def tag_key_conditions(keys: list[str]) -> dict[str, ConditionValue]:
    return {"aws:TagKeys": keys} if keys else {}


def network_conditions(vpc: Mapping[str, list[str]]) -> dict[str, ConditionValue]:
    return {
        f"bedrock-agentcore:{member}": vpc[member]
        for member in ("subnets", "securityGroups")
        if member in vpc
    }


def resource_tags(owner: Owner, arn: str, interpreters: ControlPlane) -> Mapping[str, str]:
    if arn == "*":
        return {}
    try:
        return interpreters.tags_in_policies(owner, arn.rpartition("/")[2])
    except ResourceNotFoundError:
        return {}
