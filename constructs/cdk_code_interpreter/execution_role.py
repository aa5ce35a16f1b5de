"""The role whose permissions the code in sandboxes has."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from ._private.lazy import lazy_list, validation
from ._private.permissions import AGENTCORE_PRINCIPAL
from .code_interpreter_base import code_interpreter_arn


class ExecutionRole(iam.Role):
    """Define a role that AgentCore may assume for the code interpreters it is given to only.

    All code in every sandbox can read its credentials, in every network mode. Give it no more
    than everyone who may invoke the code interpreter may do.

    :param managed_policies: Default: none.
    :param permissions_boundary: Default: none but the app's own.
    :param role_name: Default: a generated one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        managed_policies: Sequence[iam.IManagedPolicy] | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_name: str | None = None,
    ) -> None:
        self._trusted: list[str] = []

        def arns() -> list[str]:
            # `iam.Role.customize_roles()` reports the role before any code interpreter has it.
            return self._trusted or [code_interpreter_arn(scope, "*")]

        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal(
                AGENTCORE_PRINCIPAL,
                conditions={
                    "StringEquals": {"aws:SourceAccount": Stack.of(scope).account},
                    "ArnLike": {"aws:SourceArn": lazy_list(arns)},
                },
            ),
            description="What code in the sandboxes of a code interpreter may do",
            managed_policies=managed_policies,
            permissions_boundary=permissions_boundary,
            role_name=role_name,
        )
        self.node.add_validation(validation(self._check_use))

    def trust(self, scope: Construct, name_pattern: str) -> None:
        """Let code interpreters of `scope`'s stack with such a name assume the role.

        An id is the name, a hyphen and ten characters (API model). A name has no hyphen, so the
        pattern meets no other name that begins in the same way.
        """
        self._trusted.append(code_interpreter_arn(scope, f"{name_pattern}-{'?' * 10}"))

    def _check_use(self) -> list[str]:
        if self._trusted:
            return []
        return [
            "no code interpreter uses this execution role, so nothing may assume it; pass it as "
            "execution_role= to a CodeInterpreter, or remove it"
        ]
