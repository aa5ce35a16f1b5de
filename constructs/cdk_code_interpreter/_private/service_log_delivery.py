"""The delivery of the logs that AgentCore itself writes about a code interpreter."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Fn, Names, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from ..function_settings import LogSettings
from ..service_logs import ServiceLog
from .imported import AWS_MANAGED_ID
from .log_group import new_log_group
from .permissions import LOG_DELIVERY_PRINCIPAL, WRITE_LOG

# The name of a delivery source has at most 60 characters, and contains a suffix and a kind, too.
_MAX_UNIQUE_NAME_LENGTH = 30


def check_service_logs(
    code_interpreter: agentcore.ICodeInterpreterCustom, service_logs: Sequence[ServiceLog]
) -> None:
    if service_logs and code_interpreter.code_interpreter_id == AWS_MANAGED_ID:
        raise ValueError(
            f"service_logs are given, but {AWS_MANAGED_ID!r} belongs to AWS, which delivers no "
            "logs of it; leave them out, or monitor a code interpreter of your own"
        )
    if len(set(service_logs)) < len(service_logs):
        names = ", ".join(kind.name for kind in service_logs)
        raise ValueError(f"service_logs are {names}, but each may be given once; remove the rest")


class ServiceLogDelivery(Construct):
    """Define the delivery of service logs, each kind but traces to a log group of its own.

    "Logging that requires additional permissions [V2]", Amazon CloudWatch Logs user guide:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-vended-logs-permissions-V2.html
    CloudWatch Logs creates X-Ray's resource policy, which an account has few of, by itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter: agentcore.ICodeInterpreterCustom,
        service_logs: Sequence[ServiceLog],
        log_settings: LogSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        self._code_interpreter = code_interpreter
        self.log_groups: dict[ServiceLog, logs.LogGroup] = {}
        for kind in service_logs:
            if kind is not ServiceLog.TRACES:
                name = kind.name.capitalize()
                self.log_groups[kind] = new_log_group(self, f"{name}Logs", **log_settings)
            self._deliver(kind)
        if self.log_groups:
            policy = self._allow_delivery()
            for child in self.node.children:
                if isinstance(child, logs.CfnDelivery):
                    child.node.add_dependency(policy)

    def _deliver(self, kind: ServiceLog) -> None:
        unique = Names.unique_resource_name(self, max_length=_MAX_UNIQUE_NAME_LENGTH)
        # An id is a name, a hyphen and ten characters. A replacement of the code interpreter gets
        # a source of its own before the old one goes.
        suffix = Fn.select(1, Fn.split("-", self._code_interpreter.code_interpreter_id))
        name = kind.name.capitalize()
        source = logs.CfnDeliverySource(
            self,
            f"{name}Source",
            name=f"{unique}-{suffix}-{kind.value}",
            log_type=kind.value,
            resource_arn=self._code_interpreter.code_interpreter_arn,
        )
        log_group = self.log_groups.get(kind)
        destination = logs.CfnDeliveryDestination(
            self,
            f"{name}Destination",
            name=f"{unique}-{kind.value}",
            destination_resource_arn=None if log_group is None else log_group.log_group_arn,
            delivery_destination_type="XRAY" if log_group is None else None,
        )
        logs.CfnDelivery(
            self,
            f"{name}Delivery",
            delivery_source_name=source.ref,
            delivery_destination_arn=destination.attr_arn,
        )

    def _allow_delivery(self) -> logs.ResourcePolicy:
        """Let CloudWatch Logs write the log groups. A region has room for ten such policies."""
        stack = Stack.of(self)
        return logs.ResourcePolicy(
            self,
            "Policy",
            policy_statements=[
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal(LOG_DELIVERY_PRINCIPAL)],
                    actions=WRITE_LOG,
                    # A log group's ARN ends with `:*`, which stands for its streams.
                    resources=[group.log_group_arn for group in self.log_groups.values()],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": stack.account},
                        "ArnLike": {
                            "aws:SourceArn": stack.format_arn(service="logs", resource="*")
                        },
                    },
                )
            ],
        )
