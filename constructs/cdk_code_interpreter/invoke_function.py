"""The Lambda function through which agents and programs use a code interpreter."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import Duration, Names, RemovalPolicy, Stack, Token, Tokenization
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ._private.action_group import add_action_group
from ._private.lambda_function import HandlerFunction
from ._private.nag import acknowledge_wildcard
from ._private.permissions import BEDROCK_PRINCIPAL, READ_SESSIONS, SESSION_HEADER
from ._private.tools import gateway_tool_schema
from ._private.validation import check_duration
from .function_settings import FunctionSettings
from .limits import MAX_FUNCTION_SECONDS, MAX_SESSION_SECONDS
from .workspace import Workspace

_DEFAULT_SESSION = Duration.minutes(15)
_DEFAULT_TIMEOUT = Duration.seconds(MAX_FUNCTION_SECONDS)

# A policy's name has at most 128 characters; a code interpreter's id needs its place in it.
_LONGEST_UNIQUE_NAME = 64


class InvokeFunction(Construct):
    """Define the function that runs tools in named sessions and keeps their files.

    It may use this one code interpreter and this one workspace, and write its own log. Lambda
    does not repeat an asynchronous invocation that failed: it may have run the caller's code.

    :param code_interpreter: Owned, imported or AWS-managed; in the function's own region.
    :param workspace: Where sessions keep their files.
    :param session_timeout: How long a session lives from its start, 1 second to 8 hours; a
        forgotten one is paid for until then. Default: 15 minutes.
    :param timeout: How long one call may take, up to 15 minutes. Default: 15 minutes.
    :param memory_size: In MiB. Default: 256.
    :param log_group: Default: a new one that keeps its events for a month and is deleted with the
        function.
    :param role: Default: a new one. Either gets the permissions above, unless it must not be
        changed.
    :param settings: Whatever else of `lambda_.Function` can be set: `allow_all_outbound`,
        `environment_encryption`, `function_name`, `on_failure`, `reserved_concurrent_executions`,
        `security_groups`, `tracing`, `vpc`, `vpc_subnets`.
    :ivar function: The function, with its role.
    :ivar log_group: Where it writes its log.
    :ivar permissions: What holds its permissions: its role, or the policy that yours got.
    :ivar use_policy: Its permission to use the code interpreter, which is replaced with that.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter: agentcore.ICodeInterpreterCustom,
        workspace: Workspace,
        session_timeout: Duration = _DEFAULT_SESSION,
        timeout: Duration = _DEFAULT_TIMEOUT,
        memory_size: int = 256,
        log_group: logs.ILogGroup | None = None,
        role: iam.IRole | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        check_duration("session_timeout", session_timeout, MAX_SESSION_SECONDS)
        check_duration("timeout", timeout, MAX_FUNCTION_SECONDS)
        _check_region(code_interpreter, Stack.of(scope))
        super().__init__(scope, construct_id)
        self.log_group: logs.ILogGroup = log_group or logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = HandlerFunction(
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
                "SESSION_TIMEOUT_SECONDS": Tokenization.stringify_number(
                    session_timeout.to_seconds()
                ),
            },
            retry_attempts=0,
            **settings,
        )
        self.function: lambda_.Function = function
        self.permissions = function.permissions
        self.use_policy = self._new_use_policy(code_interpreter)
        workspace.grant_read_write(self.permissions)
        for pattern in workspace.key_patterns:
            acknowledge_wildcard(
                self.permissions,
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
        construct_id: str = "CodeInterpreterTarget",
        *,
        name: str = "code-interpreter",
    ) -> agentcore.GatewayTarget:
        """Offer the tools to the agents that use `gateway`.

        Calls with the header `x-code-interpreter-session` share the session it names; a call
        without it has a sandbox of its own. The model cannot set it, the agent's program can.

        The target belongs to the gateway's stack, which then depends on the function's.

        :param construct_id: In the gateway. To be given if it has more than one such target.
        :param name: Up to 100 letters, digits and hyphens. Agents find the tools as
            `<name>___execute_code` and so on.
        """
        assert isinstance(gateway, Construct)
        target = agentcore.GatewayTarget.for_lambda(
            gateway,
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
                allowed_request_headers=[SESSION_HEADER]
            )
        )
        # AgentCore tries to invoke the function when it makes the target.
        target.node.add_dependency(gateway.role)
        return target

    def add_action_group(
        self,
        agent: bedrock.CfnAgent,
        construct_id: str = "CodeInterpreterPermission",
        *,
        name: str = "code-interpreter",
    ) -> None:
        """Offer the tools to a Bedrock agent, which may then invoke the function.

        The agent's session is the tools' session: `InvokeAgent` names it, the model cannot. The
        permission belongs to the agent's stack, which then depends on the function's.

        :param agent: Other action groups that it has must be given as a list.
        :param construct_id: In the agent. To be given if it has more than one such action group.
        :param name: Up to 42 letters and digits with single _ or - after them, unique in the agent.
        """
        add_action_group(agent, name, self.function.function_arn)
        self.function.add_permission(
            construct_id,
            scope=agent,
            principal=iam.ServicePrincipal(BEDROCK_PRINCIPAL),
            source_account=agent.stack.account,
            source_arn=agent.attr_agent_arn,
        )

    def _new_use_policy(self, code_interpreter: agentcore.ICodeInterpreterCustom) -> iam.Policy:
        """Define a policy of the function's role that is replaced with the code interpreter.

        CloudFormation changes other policies in place. When a new code interpreter takes over,
        the function would be denied the old one before it is told of the new one.
        """
        role = self.function.role
        assert role is not None
        policy = iam.Policy(self, "UsePolicy")
        code_interpreter.grant_use(policy)
        code_interpreter.grant(policy, *READ_SESSIONS)
        role.attach_inline_policy(policy)
        definition = policy.node.default_child
        assert isinstance(definition, iam.CfnPolicy)
        definition.add_override("Type", "AWS::IAM::RolePolicy")
        definition.add_property_deletion_override("Roles")
        definition.add_property_override("RoleName", role.role_name)
        # Functions can share a role.
        unique = Names.unique_resource_name(self, max_length=_LONGEST_UNIQUE_NAME)
        name = f"{code_interpreter.code_interpreter_id}-{unique}"
        definition.add_property_override("PolicyName", name)
        self.function.node.add_dependency(policy)
        return policy


def _check_region(code_interpreter: agentcore.ICodeInterpreterCustom, stack: Stack) -> None:
    its, own = code_interpreter.env.region, stack.region
    if not Token.is_unresolved(its) and not Token.is_unresolved(own) and its != own:
        raise ValueError(
            f"the code interpreter is in region {its!r}, but the function, in stack "
            f"{stack.node.path!r}, is in {own!r} and looks for it there; define the function in a "
            f"stack of region {its!r}"
        )
