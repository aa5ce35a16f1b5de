"""Acknowledgements of cdk-nag findings, next to the construct that causes them.

They need no dependency on cdk-nag, and have no effect without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

# cdk-nag's packs for NIST 800-53 rev. 5, HIPAA Security and PCI DSS 3.2.1 name their rules alike.
_COMPLIANCE_PACKS = ("NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321")


def acknowledge(scope: IConstruct, finding: str, reason: str) -> None:
    _acknowledge_all(scope, [finding], reason)


def acknowledge_rule(scope: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge the finding of a rule in each of the compliance packs."""
    _acknowledge_all(scope, [f"{pack}-{rule}" for pack in _COMPLIANCE_PACKS], reason)


def acknowledge_inline_policy(scope: IConstruct, reason: str) -> None:
    """Acknowledge that a policy is an inline policy of a role."""
    acknowledge_rule(scope, "IAMNoInlinePolicy", reason)


def acknowledge_wildcard(scope: IConstruct, resource: str, reason: str) -> None:
    """Acknowledge a policy statement on `resource`, if that is a pattern with a wildcard."""
    text = flatten(Stack.of(scope).resolve(resource))
    if "*" in text:
        acknowledge(scope, f"AwsSolutions-IAM5[Resource::{text}]", reason)


def _acknowledge_all(scope: IConstruct, findings: Sequence[str], reason: str) -> None:
    """Acknowledge findings in one call, because each call into CDK's Node process takes time."""
    Validations.of(scope).acknowledge(
        *(Acknowledgment(id=finding, reason=reason) for finding in findings)
    )


def flatten(value: Any) -> str:
    """Format a resolved intrinsic function as cdk-nag does in the id of a finding."""
    if isinstance(value, str):
        return value.replace("${", "<").replace("}", ">")
    if isinstance(value, dict) and "Ref" in value:
        return f"<{value['Ref']}>"
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if isinstance(value, dict) and "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(flatten(part) for part in parts)
    if isinstance(value, dict) and "Fn::ImportValue" in value:
        return flatten(value["Fn::ImportValue"])
    if isinstance(value, dict) and "Fn::Sub" in value:
        return flatten(value["Fn::Sub"])
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
