"""Grants, metrics and connections of owned and imported code interpreters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import Arn, ArnComponents, Duration, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.late_module import LateModule
from ._private.permissions import READ_CODE_INTERPRETER

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
else:
    cloudwatch = LateModule("aws_cdk.aws_cloudwatch")


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
    """Complete CDK's base class for code interpreters, and correct it in two places.

    CDK's `grant_read()` grants the sessions of every code interpreter in the account, and its
    metrics lose their operation when they are given dimensions.
    """

    _role: iam.IRole | None = None
    _connections: ec2.Connections | None = None

    @property
    def execution_role(self) -> iam.IRole:
        """The role of the code in the sandboxes.

        :raises ValueError: if the code interpreter has no role, or was imported without it.
        """
        if self._role is None:
            raise ValueError(
                f"code interpreter {self.node.path!r} has no execution role, so its code has no "
                "AWS permissions and none can be granted; pass execution_role=, but note that "
                "all code in every sandbox can read the role's credentials"
            )
        return self._role

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The execution role's principal, so that a grant reaches the code in the sandboxes.

        :raises ValueError: if the code interpreter has no role, or was imported without it.
        """
        return self.execution_role.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the sandboxes in a VPC.

        :raises ValueError: if the code interpreter is not in a VPC, or was imported without its
            security groups.
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
        """Always None, because a code interpreter is replaced and never updated."""
        return None

    @check_arguments
    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` get this code interpreter, and get and list its sessions."""
        return self.grant(grantee, *READ_CODE_INTERPRETER)

    def metric_for_api_operation(
        self,
        metric_name: str,
        operation: str,
        *,
        # JSII passes only those options that the override names.
        account: str | None = None,
        color: str | None = None,
        dimensions_map: Mapping[str, str] | None = None,
        id: str | None = None,  # noqa: A002 - CDK's own name
        label: str | None = None,
        period: Duration | None = None,
        region: str | None = None,
        stack_account: str | None = None,
        stack_region: str | None = None,
        statistic: str | None = None,
        unit: cloudwatch.Unit | None = None,
        visible: bool | None = None,
    ) -> cloudwatch.Metric:
        """Return the metric of an API operation.

        :param metric_name: Such as `Latency`.
        :param operation: Such as `InvokeCodeInterpreter`.
        :param dimensions_map: In addition to the code interpreter and the operation.
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
        """Return the metric of the sessions' duration, in the unit of the service.

        :param options: Those of `metric()`. The statistic is the average by default.
        """
        options = {"statistic": cloudwatch.Stats.AVERAGE, **options}
        return self.metric_for_api_operation("Duration", "CodeInterpreterSession", **options)
