"""The Lambda function through which agents and programs use a code interpreter."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import Duration, RemovalPolicy, Token, Tokenization
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from .gateway import gateway_tool_schema, session_header
from .lambda_function import FunctionSettings, python_function
from .nag import acknowledge_wildcard
from .validation import check_duration
from .workspace import Workspace

# Quotas of the service: a session lives for 1 second to 8 hours from its start, however busy.
LONGEST_SESSION = Duration.hours(8)
_DEFAULT_SESSION = Duration.minutes(15)
_LONGEST_TIMEOUT = Duration.minutes(15)

# What grant_use() leaves out.
_MORE_SESSION_ACTIONS = (
    "bedrock-agentcore:GetCodeInterpreterSession",
    "bedrock-agentcore:ListCodeInterpreterSessions",
)


class InvokeFunction(Construct):
    """Define the function that runs tools in named sessions and keeps their files.

    It may use this one code interpreter and this one workspace, and write its own log. Lambda
    does not repeat an asynchronous invocation that failed: it may have run the caller's code.

    :param code_interpreter: Owned, imported or AWS-managed.
    :param workspace: Where sessions keep their files.
    :param session_timeout: How long a session lives from its start, 1 second to 8 hours; a
        forgotten one is paid for until then. Default: 15 minutes.
    :param timeout: How long one call may take, up to 15 minutes. Default: 15 minutes.
    :param memory_size: In MiB. Default: 256.
    :param log_group: Default: a new one that keeps its events for a month and is deleted with the
        function.
    :param role: Default: a new one with the permissions above.
    :param settings: Whatever else of `lambda_.Function` can be set: `environment_encryption`,
        `reserved_concurrent_executions`, `tracing`, `vpc`, `vpc_subnets`, `security_groups`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter: agentcore.ICodeInterpreterCustom,
        workspace: Workspace,
        session_timeout: Duration = _DEFAULT_SESSION,
        timeout: Duration = _LONGEST_TIMEOUT,
        memory_size: int = 256,
        log_group: logs.ILogGroup | None = None,
        role: iam.IRole | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        check_duration("session_timeout", session_timeout, LONGEST_SESSION)
        check_duration("timeout", timeout, _LONGEST_TIMEOUT)
        super().__init__(scope, construct_id)
        self.log_group = log_group or logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.function = python_function(
            self,
            "Function",
            asset="invoke",
            handler="code_interpreter_invoke.handler.handler",
            description="Runs tools in sessions of an AgentCore code interpreter",
            timeout=timeout,
            memory_size=memory_size,
            log_group=self.log_group,
            role=role,
            environment={
                "CODE_INTERPRETER_ID": code_interpreter.code_interpreter_id,
                "WORKSPACE_BUCKET": workspace.bucket.bucket_name,
                "WORKSPACE_PREFIX": workspace.prefix,
                "SESSION_TIMEOUT_SECONDS": _text(session_timeout.to_seconds()),
            },
            **settings,
        )
        self.function.configure_async_invoke(retry_attempts=0)
        use = self._new_policy(code_interpreter)
        code_interpreter.grant_use(use)
        code_interpreter.grant(use, *_MORE_SESSION_ACTIONS)
        workspace.grant_read_write(self.function)
        for pattern in workspace.key_patterns:
            acknowledge_wildcard(
                self.function.role or self.function,
                pattern,
                "the workspace has a key for every session and file, and they are made at run time",
            )

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` run code in the sandboxes and read and write every session's files."""
        return self.function.grant_invoke(grantee)

    @property
    def tool_schema(self) -> agentcore.ToolSchema:
        """The tools for a language model, as an AgentCore Gateway target describes them."""
        return gateway_tool_schema()

    def add_gateway_target(
        self,
        gateway: agentcore.IGateway,
        construct_id: str = "GatewayTarget",
        *,
        name: str = "code-interpreter",
    ) -> agentcore.GatewayTarget:
        """Offer the tools to the agents that use `gateway`.

        Calls with the header `x-code-interpreter-session` share the session it names; a call
        without it has a sandbox of its own. The model cannot set it, the agent's program can.

        :param construct_id: To be given if the function is a target of more than one gateway.
        :param name: Up to 100 letters, digits and hyphens. Agents find the tools as
            `<name>___execute_code` and so on.
        """
        target = agentcore.GatewayTarget.for_lambda(
            self,
            construct_id,
            gateway=gateway,
            gateway_target_name=name,
            lambda_function=self.function,
            tool_schema=self.tool_schema,
        )
        definition = target.node.default_child
        assert isinstance(definition, agentcore.CfnGatewayTarget)
        definition.metadata_configuration = (
            agentcore.CfnGatewayTarget.MetadataConfigurationProperty(
                allowed_request_headers=[session_header()]
            )
        )
        return target

    def _new_policy(self, code_interpreter: agentcore.ICodeInterpreterCustom) -> iam.Policy:
        """Define a policy of the function's role that is replaced with the code interpreter.

        CloudFormation changes other policies in place. When a new code interpreter takes over,
        the function would be denied the old one before it is told of the new one.
        """
        role = self.function.role
        assert role is not None
        policy = iam.Policy(self, "UsePolicy", roles=[role])
        definition = policy.node.default_child
        assert isinstance(definition, iam.CfnPolicy)
        definition.add_override("Type", "AWS::IAM::RolePolicy")
        definition.add_property_deletion_override("Roles")
        definition.add_property_override("RoleName", role.role_name)
        definition.add_property_override("PolicyName", code_interpreter.code_interpreter_id)
        self.function.node.add_dependency(policy)
        return policy


def _text(number: float) -> str:
    """A whole number, or what stands for one that is not known yet, as a text."""
    if Token.is_unresolved(number):
        return Tokenization.stringify_number(number)
    return str(int(number))
