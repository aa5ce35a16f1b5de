"""What owned and imported code interpreters have in common: grants, metrics and connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Arn, ArnComponents, Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ._private.permissions import READ_CODE_INTERPRETER


def code_interpreter_arn(scope: Construct, code_interpreter_id: str) -> str:
    """Return the ARN of a code interpreter in the region and account of `scope`'s stack."""
    return Arn.format(
        ArnComponents(
            service="bedrock-agentcore",
            resource="code-interpreter-custom",
            resource_name=code_interpreter_id,
        ),
        Stack.of(scope),
    )


class CodeInterpreterBase(agentcore.CodeInterpreterCustomBase):
    """Completes CDK's own base class for code interpreters, and corrects it in two places.

    Its `grant_read` lists the sessions of every code interpreter in the account, and its metrics
    forget their operation when they are given dimensions.
    """

    _role: iam.IRole | None = None
    _connections: ec2.Connections | None = None

    @property
    def execution_role(self) -> iam.IRole:
        """The role of the code in the sandboxes.

        :raises ValueError: if there is none.
        """
        if self._role is None:
            raise ValueError(
                f"code interpreter {self.node.path!r} has no execution role, so its code has no "
                "AWS permissions and none can be granted; pass execution_role=, and mind that "
                "all code in every sandbox can read the role's credentials"
            )
        return self._role

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The execution role's principal: what is granted to it, the code in a sandbox can do."""
        return self.execution_role.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """What the sandboxes can connect to inside a VPC.

        :raises ValueError: if they are in none.
        """
        if self._connections is None:
            raise ValueError(
                f"code interpreter {self.node.path!r} is in no VPC that is known here, so it has "
                "no security groups; use network=Network.vpc(...), or import it with "
                "security_groups="
            )
        return self._connections

    @property
    def last_updated_at(self) -> str | None:
        """Always None: a code interpreter is never updated, only replaced."""
        return None

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` look at this code interpreter and its sessions."""
        return self.grant(grantee, *READ_CODE_INTERPRETER)

    def metric_for_api_operation(
        self,
        metric_name: str,
        operation: str,
        *,
        # JSII hands over the options that an override names, and no others.
        account: str | None = None,
        color: str | None = None,
        dimensions_map: Mapping[str, str] | None = None,
        id: str | None = None,  # noqa: A002 - CDK's name for it
        label: str | None = None,
        period: Duration | None = None,
        region: str | None = None,
        stack_account: str | None = None,
        stack_region: str | None = None,
        statistic: str | None = None,
        unit: cloudwatch.Unit | None = None,
        visible: bool | None = None,
    ) -> cloudwatch.Metric:
        """The metric of one API operation, such as `InvokeCodeInterpreter`.

        `dimensions_map` is in addition to the code interpreter and the operation.
        """
        return self.metric(
            metric_name,
            account=account,
            color=color,
            dimensions_map={"Operation": operation, **(dimensions_map or {})},
            id=id,
            label=label,
            period=period,
            region=region,
            stack_account=stack_account,
            stack_region=stack_region,
            statistic=statistic,
            unit=unit,
            visible=visible,
        )

    def metric_session_duration(self, **options: Any) -> cloudwatch.Metric:
        """How long sessions live, in the service's unit; takes the options of `metric()`."""
        given = {"statistic": cloudwatch.Stats.AVERAGE, **options}
        return self.metric_for_api_operation("Duration", "CodeInterpreterSession", **given)
