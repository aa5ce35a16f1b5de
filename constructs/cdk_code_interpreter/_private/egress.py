"""A warning about security groups that allow no outbound traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Annotations, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from .lazy import validation

# CDK gives a group without egress rules a rule for this range; CloudFormation would otherwise allow
# all outbound traffic.
_NO_EGRESS_CIDR = "255.255.255.255/32"


def report_missing_egress(scope: Construct, groups: Sequence[ec2.ISecurityGroup]) -> None:
    """Warn if none of the groups has an egress rule when the app is synthesised.

    An imported group counts as a group with egress rules.
    """

    def validate() -> list[str]:
        if not any(_has_egress(group) for group in groups):
            Annotations.of(scope).add_warning_v2(
                "cdk-code-interpreter:noEgress",
                "no security group has an egress rule, so code in the sandbox can connect to "
                "nothing in the VPC; allow what it needs, as in "
                "code_interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS), or acknowledge "
                "this warning",
            )
        return []

    # Validations run after all aspects, which may add rules to the groups.
    scope.node.add_validation(validation(validate))


def _has_egress(group: ec2.ISecurityGroup) -> bool:
    definition = group.node.default_child
    if not isinstance(definition, ec2.CfnSecurityGroup):
        return True
    inline: Any = Stack.of(group).resolve(definition.security_group_egress) or []
    if any(rule.get("cidrIp") != _NO_EGRESS_CIDR for rule in inline):
        return True
    return any(isinstance(child, ec2.CfnSecurityGroupEgress) for child in group.node.find_all())
