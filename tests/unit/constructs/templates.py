"""Functions that read synthesised templates."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk.assertions import Template


def only(stack: Stack, resource_type: str) -> dict[str, Any]:
    """Return the properties of the only resource of a type."""
    [resource] = Template.from_stack(stack).find_resources(resource_type).values()
    return dict(resource["Properties"])


def statements(stack: Stack, *, of: str = "") -> dict[str, list[dict[str, Any]]]:
    """Return every policy statement, by action; `of` is part of the policy's logical id."""
    found: dict[str, list[dict[str, Any]]] = {}
    template = Template.from_stack(stack)
    policies = {
        **template.find_resources("AWS::IAM::Policy"),
        **template.find_resources("AWS::IAM::RolePolicy"),
    }
    for logical_id, policy in policies.items():
        if of not in logical_id:
            continue
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                found.setdefault(action, []).append(statement)
    return found


def arn_of(resource: str, *, service: str = "bedrock-agentcore", account: Any = None) -> Any:
    """Return an ARN of the stack's own region and account, as CDK renders it."""
    who = (
        [{"Ref": "AWS::AccountId"}, f":{resource}"]
        if account is None
        else [f"{account}:{resource}"]
    )
    parts = ["arn:", {"Ref": "AWS::Partition"}, f":{service}:", {"Ref": "AWS::Region"}, ":", *who]
    if account is not None:
        parts[-2:] = [f":{account}:{resource}"]
    return {"Fn::Join": ["", parts]}
