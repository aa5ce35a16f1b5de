"""The stacks that experiments deploy: a CDK app with the stack that its context names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from cdk_code_interpreter import (
    CodeInterpreter,
    InvokeFunction,
    SandboxVpc,
    SealedNetwork,
    Workspace,
)
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings
from verify.names import FUNCTION_SECONDS, HEADERS, RUN_TAG

AGENTCORE = "bedrock-agentcore.amazonaws.com"
SESSION_SECONDS = 1800

# It returns the client context that the Gateway hands over.
ECHO = """
def handler(event, context):
    return context.client_context.custom
"""


def interpreter_arn(stack: Stack, name: str) -> str:
    return stack.format_arn(
        service="bedrock-agentcore", resource="code-interpreter-custom", resource_name=name
    )


def statement(actions: list[str], resource: str = "*", **conditions: Any) -> iam.PolicyStatement:
    """Return a statement; `conditions` are operators with an underscore for each colon."""
    return iam.PolicyStatement(
        actions=actions,
        resources=[resource],
        conditions={name.replace("_", ":"): value for name, value in conditions.items()},
    )


class VpcStack(Stack):
    """A VPC in zones that AgentCore supports, and a group that lets nothing out of itself."""

    def __init__(self, app: App, name: str, *, internet: bool = False) -> None:
        super().__init__(app, name)
        network = SandboxVpc(self, "Network", internet=internet)
        self.vpc = network.vpc
        self.subnets = network.subnets
        self.subnet_ids = self.vpc.select_subnets(
            subnet_group_name=network.subnets.subnet_group_name
        ).subnet_ids
        self.security_group = ec2.SecurityGroup(
            self, "Sandboxes", vpc=self.vpc, allow_all_outbound=False
        )


class PermissionsStack(VpcStack):
    """Roles with which the experiments call AgentCore, roles for sandboxes, and a VPC.

    No code interpreter is ever created in this VPC, so that it can be deleted at once.
    """

    def __init__(self, app: App, name: str) -> None:
        super().__init__(app, name)
        self._run = str(app.node.get_context("run"))
        bucket = app.node.get_context("bucket")
        other_group = ec2.SecurityGroup(self, "OtherGroup", vpc=self.vpc, allow_all_outbound=False)
        # It does not trust AgentCore: an allowed creation with it fails, and makes nothing.
        untrusting = self._role("Untrusting", iam.AccountRootPrincipal())
        allowed = {
            "Subnets": ("bedrock-agentcore:subnets", self.subnet_ids[0]),
            "Groups": ("bedrock-agentcore:securityGroups", self.security_group.security_group_id),
        }
        for role_name, (key, value) in allowed.items():
            self._role(
                role_name,
                iam.AccountRootPrincipal(),
                statement(
                    ["bedrock-agentcore:CreateCodeInterpreter"],
                    Null={key: "false"},
                    ForAllValues_StringEquals={key: [value]},
                ),
                statement(["iam:PassRole"], untrusting.role_arn),
                # The first use of a VPC in an account creates the service's own role.
                statement(
                    ["iam:CreateServiceLinkedRole"],
                    StringEquals={"iam:AWSServiceName": f"network.{AGENTCORE}"},
                ),
            )
        self._add_tag_role()
        self._add_trusting_roles()
        self._role(
            "Writer",
            iam.AccountRootPrincipal(),
            statement(["s3:GetObject", "s3:PutObject"], f"arn:{self.partition}:s3:::{bucket}/*"),
        )
        self._output("Subnet", self.subnet_ids[0])
        self._output("OtherSubnet", self.subnet_ids[1])
        self._output("Group", self.security_group.security_group_id)
        self._output("OtherGroupId", other_group.security_group_id)

    def _add_tag_role(self) -> None:
        every = interpreter_arn(self, "*")
        self._role(
            "Tags",
            iam.AccountRootPrincipal(),
            statement(
                ["bedrock-agentcore:CreateCodeInterpreter"],
                StringEquals={f"aws:RequestTag/{RUN_TAG}": self._run},
            ),
            statement(
                ["bedrock-agentcore:TagResource"],
                every,
                StringEquals={f"aws:RequestTag/{RUN_TAG}": self._run},
            ),
            statement(
                ["bedrock-agentcore:GetCodeInterpreter"],
                every,
                StringEquals={f"aws:ResourceTag/{RUN_TAG}": self._run},
            ),
        )

    def _add_trusting_roles(self) -> None:
        """Add a role for each pattern of `aws:SourceArn`, and one to be taken away later."""
        by_id = interpreter_arn(self, f"verify_{self._run}_*-??????????")
        by_name = interpreter_arn(self, f"verify_{self._run}_*")
        for name, patterns in {
            # A hyphen cannot be in a name: this pattern needs an id.
            "TrustsId": [by_id],
            "TrustsBoth": [by_id, by_name],
            "Leaving": [by_id, by_name],
        }.items():
            self._role(
                name,
                iam.ServicePrincipal(
                    AGENTCORE, conditions={"ArnLike": {"aws:SourceArn": patterns}}
                ),
            )

    def _role(
        self, name: str, principal: iam.IPrincipal, *statements: iam.PolicyStatement
    ) -> iam.Role:
        role = iam.Role(self, name, assumed_by=principal)
        for allowed in statements:
            role.add_to_policy(allowed)
        self._output(f"{name}Role", role.role_arn)
        return role

    def _output(self, name: str, value: str) -> None:
        CfnOutput(self, name, value=value)


class MountsStack(VpcStack):
    """A file system, and roles that may mount it, describe it, or neither."""

    def __init__(self, app: App, name: str) -> None:
        super().__init__(app, name)
        file_system = efs.FileSystem(
            self,
            "Files",
            vpc=self.vpc,
            vpc_subnets=self.subnets,
            removal_policy=RemovalPolicy.DESTROY,
        )
        file_system.connections.allow_default_port_from(self.security_group)
        access_point = file_system.add_access_point(
            "AccessPoint",
            path="/verify",
            create_acl=efs.Acl(owner_uid="1000", owner_gid="1000", permissions="755"),
            posix_user=efs.PosixUser(uid="1000", gid="1000"),
        )
        mount = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        describe = [
            "elasticfilesystem:DescribeAccessPoints",
            "elasticfilesystem:DescribeMountTargets",
        ]
        account = {"StringEquals": {"aws:SourceAccount": self.account}}
        trust = iam.ServicePrincipal(AGENTCORE, conditions=account)
        for role_name, actions in {
            "Mounting": mount,
            "Describing": mount + describe,
            "Neither": [],
        }.items():
            role = iam.Role(self, role_name, assumed_by=trust)
            if actions:
                role.add_to_policy(
                    iam.PolicyStatement(
                        actions=actions,
                        resources=[file_system.file_system_arn, access_point.access_point_arn],
                    )
                )
            CfnOutput(self, f"{role_name}Role", value=role.role_arn)
        CfnOutput(self, "FileSystemArn", value=file_system.file_system_arn)
        CfnOutput(self, "AccessPointArn", value=access_point.access_point_arn)
        CfnOutput(self, "SubnetIds", value=",".join(self.subnet_ids))
        CfnOutput(self, "Group", value=self.security_group.security_group_id)


def function_stack(app: App, name: str) -> Stack:
    """Return the project's stack with a long timeout.

    Another `description` in the context replaces its code interpreter.
    """
    return CodeInterpreterStack(
        app,
        name,
        settings=Settings(
            description=app.node.try_get_context("description") or "first",
            function_timeout_seconds=FUNCTION_SECONDS,
            session_timeout_seconds=SESSION_SECONDS,
            workspace_retention="destroy",
        ),
    )


class FunctionInVpcStack(VpcStack):
    """The function in private subnets, whose connections go through a NAT gateway."""

    def __init__(self, app: App, name: str) -> None:
        super().__init__(app, name, internet=True)
        workspace = Workspace(self, "Workspace", removal_policy=RemovalPolicy.DESTROY)
        function = InvokeFunction(
            self,
            "InvokeFunction",
            code_interpreter=CodeInterpreter(self, "CodeInterpreter"),
            workspace=workspace,
            timeout=Duration.minutes(15),
            vpc=self.vpc,
            vpc_subnets=self.subnets,
        )
        CfnOutput(self, "InvokeFunctionName", value=function.function_name)
        CfnOutput(self, "WorkspaceBucketName", value=workspace.bucket.bucket_name)


class SealedStack(Stack):
    """A network without any way out: no names, no routes, no endpoints."""

    def __init__(self, app: App, name: str) -> None:
        super().__init__(app, name)
        network = SealedNetwork(self, "Network", data_path=False)
        subnet_ids = network.vpc.select_subnets(
            subnet_group_name=network.subnets.subnet_group_name
        ).subnet_ids
        CfnOutput(self, "SubnetIds", value=",".join(subnet_ids))
        CfnOutput(self, "Group", value=network.security_group.security_group_id)


class GatewayStack(Stack):
    """A Gateway with a target that returns what the Gateway hands over."""

    def __init__(self, app: App, name: str) -> None:
        super().__init__(app, name)
        gateway = agentcore.Gateway(
            self,
            "Gateway",
            authorizer_configuration=agentcore.GatewayAuthorizer.using_aws_iam(),
        )
        function = lambda_.Function(
            self,
            "Echo",
            code=lambda_.Code.from_inline(ECHO),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
        )
        schema = agentcore.ToolSchema.from_inline(
            [
                agentcore.ToolDefinition(
                    name="echo",
                    description="Returns the client context",
                    input_schema=agentcore.SchemaDefinition(
                        type=agentcore.SchemaDefinitionType.OBJECT
                    ),
                )
            ]
        )
        target = agentcore.GatewayTarget.for_lambda(
            gateway,
            "Target",
            gateway=gateway,
            gateway_target_name="verify",
            lambda_function=function,
            tool_schema=schema,
        )
        definition = target.node.default_child
        assert isinstance(definition, agentcore.CfnGatewayTarget)
        definition.metadata_configuration = (
            agentcore.CfnGatewayTarget.MetadataConfigurationProperty(
                allowed_request_headers=HEADERS
            )
        )
        target.node.add_dependency(gateway.role)
        CfnOutput(self, "GatewayUrl", value=str(gateway.gateway_url))
        CfnOutput(self, "GatewayId", value=gateway.gateway_id)
        CfnOutput(self, "TargetId", value=target.target_id)


STACKS: Mapping[str, Callable[[App, str], Stack]] = {
    "Permissions": PermissionsStack,
    "Mounts": MountsStack,
    "Function": function_stack,
    "FunctionInVpc": FunctionInVpcStack,
    "Gateway": GatewayStack,
    "Sealed": SealedStack,
}


def main() -> None:
    app = App()
    kind, run = app.node.get_context("kind"), app.node.get_context("run")
    STACKS[kind](app, f"Verify-{run}-{kind}")
    app.synth()


if __name__ == "__main__":
    main()
