"""A check that a role of the app trusts the service that has to assume it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from .lazy import validation


def check_trust(scope: Construct, argument: str, role: object, service: str) -> None:
    """Let the synthesis fail if the app defines a role that `service` may not assume.

    The trust of an imported role is unknown, and a statement can be added until the synthesis.
    """
    if not isinstance(role, iam.Role):
        return
    trusting = role

    def validate() -> list[str]:
        if any(_may_be(service, principal) for principal in _principals(trusting)):
            return []
        return [
            f"{argument} is role {trusting.node.path!r}, which {service} may not assume; define it "
            f'with assumed_by=iam.ServicePrincipal("{service}")'
        ]

    scope.node.add_validation(validation(validate))


def _principals(role: iam.Role) -> Iterator[Any]:
    """Return the principals of the role's trust policy, as the template has them."""
    policy = Stack.of(role).resolve(role.assume_role_policy)
    for statement in policy["Statement"]:
        principal = statement.get("Principal", {})
        for value in principal.values() if isinstance(principal, dict) else [principal]:
            yield from value if isinstance(value, list) else [value]


def _may_be(service: str, principal: Any) -> bool:
    """Tell whether a principal is the service, is everybody, or is unknown until deployment."""
    return principal in (service, "*") or not isinstance(principal, str)
