"""The role of the code in the sandboxes."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.lazy import lazy_list, validation
from ._private.permissions import AGENTCORE_PRINCIPAL
from ._private.validation import check_pattern
from .code_interpreter_base import code_interpreter_arn


class ExecutionRole(iam.Role):
    """Define a role that AgentCore may assume only for the code interpreters that have it.

    All code in every sandbox can read its credentials, in every network mode. Do not give the role
    more permissions than every caller of the code interpreter may use.

    Synthesis fails if no code interpreter has the role.

    :param managed_policies: Policies to attach. Default: none.
    :param permissions_boundary: The boundary of its permissions. Default: that of the app, if any.
    :param role_name: Default: a generated name.
    :raises ValueError: if `role_name` cannot be a name.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        managed_policies: Sequence[iam.IManagedPolicy] | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_name: str | None = None,
    ) -> None:
        if role_name is not None:
            check_pattern(
                "role_name",
                role_name,
                "[a-zA-Z0-9_+=,.@-]{1,64}",
                "1 to 64 letters, digits and + = , . @ _ -",
            )
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

    @check_arguments
    def trust(self, scope: Construct, name_pattern: str) -> None:
        """Let code interpreters of `scope`'s stack assume the role.

        An id is the name, a hyphen and ten characters (API model). A name has no hyphen, so the
        pattern never matches a longer name with the same beginning.

        The name alone is trusted, too: AWS does not document whether the service validates the role
        before the code interpreter has its id. IAM takes 2,048 characters of a role's trust policy,
        which is room for about six code interpreters.

        :param name_pattern: The name of the code interpreters, with `?` for an unknown character.
        """
        self._trusted += [
            code_interpreter_arn(scope, f"{name_pattern}-{'?' * 10}"),
            code_interpreter_arn(scope, name_pattern),
        ]

    def _check_use(self) -> list[str]:
        if self._trusted:
            return []
        return [
            "no code interpreter uses this execution role, so nothing may assume it; pass it as "
            "execution_role= to a CodeInterpreter, or remove it"
        ]
