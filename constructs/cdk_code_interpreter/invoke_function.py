"""The Lambda function with which agents and programs use a code interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, cast

from aws_cdk import CfnResource, Duration, Names, Stack, Token, Tokenization
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ._private.action_group import add_action_group
from ._private.arguments import check_arguments
from ._private.imported import ImportedCodeInterpreter
from ._private.lambda_function import HandlerFunction
from ._private.late_module import LateModule
from ._private.nag import (
    acknowledge,
    acknowledge_inline_policy,
    acknowledge_rule,
    acknowledge_wildcard,
)
from ._private.permissions import (
    BEDROCK_PRINCIPAL,
    LAMBDA_PRINCIPAL,
    READ_PARAMETER,
    READ_SESSIONS,
    SESSION_HEADER,
    TRACE_HEADER,
)
from ._private.shared_attributes import top_level_stack
from ._private.tools import gateway_tool_schema
from ._private.trust import check_trust
from ._private.upkeep import add_schedule, check_upkeep, upkeep_environment
from ._private.validation import (
    check_duration,
    check_free_id,
    check_function_settings,
    check_memory_size,
    check_pattern,
)
from .code_interpreter import CodeInterpreter
from .function_settings import FunctionSettings
from .limits import MAX_FUNCTION_SECONDS, MAX_SESSION_SECONDS
from .workspace import Workspace

if TYPE_CHECKING:
    from aws_cdk import aws_bedrock as bedrock
else:
    bedrock = LateModule("aws_cdk.aws_bedrock")

_DEFAULT_SESSION = Duration.minutes(15)
_DEFAULT_TIMEOUT = Duration.minutes(15)
# The longest timeout that the rules of CDK and cfn-lint know.
_LONGEST_KNOWN_TIMEOUT = Duration.minutes(15)

# A policy's name has at most 128 characters, and contains the code interpreter's id, too.
_MAX_UNIQUE_NAME_LENGTH = 64


class InvokeFunction(Construct):
    """Define the function that runs tools in named sessions and keeps their files.

    The function may use this code interpreter and this workspace, and write its own log. Lambda
    does not repeat a failed asynchronous invocation, because it may have run the caller's code.

    :param code_interpreter: Owned, imported or AWS-managed, in the function's region. If another
        stack replaces it, the function finds the new one without a deployment of its own.
    :param workspace: The bucket where sessions keep their files.
    :param session_timeout: The time from a session's start to its end, 1 second to 8 hours. You
        pay for a session that nobody stops until then. Default: 15 minutes.
    :param timeout: The longest time of a request, 1 second to 30 minutes. AgentCore ends code after
        15 minutes; with more time the function can save what the code wrote until then. The
        sandbox has to live as long: see `session_timeout`. Default: 15 minutes.
    :param memory_size: 128 to 10,240 MiB. Default: 256.
    :param log_group: Default: a new log group that keeps events for one month and is deleted with
        the function.
    :param allow_delete: Whether programs may delete files of the workspace with the tool
        `workspace_delete`, which language models are not offered. Without it the function refuses
        the tool and has no permission to delete. Default: yes.
    :param idle_limit: The time without use after which a sweeper, which looks every 5 minutes,
        stops a session's sandbox, 5 minutes to 8 hours. The session's next request gets a new one,
        and says `session_restarted`. Default: a sandbox lives until its `session_timeout`.
    :param warm_spare: Whether one started sandbox is kept for the next new session, which then
        does not wait for the start and has at least three quarters of its `session_timeout`. You
        pay for it as for a session that is always there. Default: no.
    :param role: Default: a new role. The construct adds the permissions to your role, too, unless
        it is immutable.
    :param settings: Further settings of `lambda_.Function`: see `FunctionSettings`.
    :ivar function: The Lambda function, with its role.
    :ivar log_group: The log group that the function writes to.
    :ivar permissions: The new role, or the policy that the construct attached to your role.
    :ivar use_policy: The policy for the code interpreter. CloudFormation replaces it together with
        a code interpreter of the same stack. For a code interpreter of another stack, it serves the
        replacements, too.
    :raises ValueError: if a time, the memory or a setting is outside its limits, or if the code
        interpreter is in another region than the function.
    """

    @check_arguments
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
        allow_delete: bool = True,
        idle_limit: Duration | None = None,
        warm_spare: bool = False,
        role: iam.IRole | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        check_function_settings(settings, log_group)
        check_memory_size(memory_size)
        check_duration("session_timeout", session_timeout, MAX_SESSION_SECONDS)
        check_duration("timeout", timeout, MAX_FUNCTION_SECONDS)
        check_upkeep(idle_limit, warm_spare, session_timeout)
        _check_region(code_interpreter, Stack.of(scope))
        super().__init__(scope, construct_id)
        records_prefix = f"{workspace.records_prefix}{_identity(code_interpreter)}/"
        id_parameter = None
        if isinstance(code_interpreter, CodeInterpreter):
            id_parameter = code_interpreter._id_parameter_for(self)
        function = HandlerFunction(
            self,
            "Function",
            asset="invoke",
            handler="code_interpreter_invoke.handler.handler",
            description="Runs tools in sessions of an AgentCore code interpreter",
            timeout=timeout,
            memory_size=memory_size,
            log_group=log_group,
            role=role,
            environment={
                "CODE_INTERPRETER_ID": code_interpreter.code_interpreter_id,
                **({"CODE_INTERPRETER_PARAMETER": id_parameter} if id_parameter else {}),
                "WORKSPACE_BUCKET": workspace.bucket.bucket_name,
                "WORKSPACE_PREFIX": workspace.prefix,
                "RECORDS_PREFIX": records_prefix,
                "SESSION_TIMEOUT_SECONDS": Tokenization.stringify_number(
                    session_timeout.to_seconds()
                ),
                "ALLOW_DELETE": str(allow_delete).lower(),
                **({} if workspace.allow_links else {"ALLOW_LINKS": "false"}),
                **upkeep_environment(idle_limit, warm_spare),
                # Bytes. glibc returns blocks of this size to the system once they are free;
                # without it, the largest results need a third more memory.
                "MALLOC_MMAP_THRESHOLD_": "1048576",
            },
            retry_attempts=0,
            **settings,
        )
        _acknowledge_timeout(function, timeout)
        acknowledge_rule(
            function,
            "LambdaDLQ",
            "a queue would keep the events, which hold users' code; whoever wants that passes "
            "on_failure",
        )
        self.function: lambda_.Function = function
        self.log_group = function.log_group
        self.permissions = function.permissions
        check_trust(self, "role", role, LAMBDA_PRINCIPAL)
        self.use_policy = self._new_use_policy(function, code_interpreter, id_parameter)
        workspace.grant_read_write(self.permissions, records_prefix=records_prefix)
        if allow_delete:
            workspace.grant_delete(self.permissions)
        for prefix in (f"{workspace.prefix}/", records_prefix):
            acknowledge_wildcard(
                self.permissions,
                workspace.bucket.arn_for_objects(f"{prefix}*"),
                "the workspace has a key for every session and file, which are created at run time",
            )
        if idle_limit is not None or warm_spare:
            add_schedule(self, function, warm_spare=warm_spare)

    @check_arguments
    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` invoke the function.

        `grantee` can then run code in every session, and read, write and, with `allow_delete`,
        delete every session's files.
        """
        return self.function.grant_invoke(grantee)

    @property
    def function_name(self) -> str:
        """The function's name, which a client needs: the output `InvokeFunctionName` of a stack."""
        return self.function.function_name

    @property
    def function_arn(self) -> str:
        """The function's ARN."""
        return self.function.function_arn

    @property
    def tool_schema(self) -> agentcore.ToolSchema:
        """The tools for language models, as the schema of an AgentCore Gateway target."""
        return gateway_tool_schema()

    @check_arguments
    def add_gateway_target(
        self,
        gateway: agentcore.IGateway,
        construct_id: str = "CodeInterpreterTarget",
        *,
        name: str = "code-interpreter",
    ) -> agentcore.GatewayTarget:
        """Offer the tools to the agents that use `gateway`.

        The header `x-code-interpreter-session` names the session of a request. A request without
        it gets a temporary sandbox. The agent's program sets the header; the model cannot.

        The target belongs to the gateway's stack, which then depends on the function's stack.

        :param construct_id: The id in the gateway. Give it if the gateway has several such targets.
        :param name: Up to 100 letters, digits and hyphens. The names of the tools begin with it, as
            in `<name>___execute_code`. Default: `code-interpreter`.
        :raises ValueError: if `name` cannot be used, or if the gateway has `construct_id` already.
        """
        check_pattern(
            "name",
            name,
            "([0-9a-zA-Z]-?){1,100}",
            "1 to 100 letters, digits and single hyphens between them",
        )
        check_free_id(gateway, construct_id)
        target = agentcore.GatewayTarget.for_lambda(
            cast(Construct, gateway),
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
                allowed_request_headers=[SESSION_HEADER, TRACE_HEADER]
            )
        )
        # AgentCore invokes the function when it creates the target.
        target.node.add_dependency(gateway.role)
        return target

    @check_arguments
    def add_action_group(
        self,
        agent: bedrock.CfnAgent,
        construct_id: str = "CodeInterpreterPermission",
        *,
        name: str = "code-interpreter",
    ) -> None:
        """Offer the tools to a Bedrock agent, which may then invoke the function.

        The tools use the agent's session, which the caller of `InvokeAgent` names; the model
        cannot. The permission belongs to the agent's stack, which then depends on the function's
        stack.

        :param agent: If it has other action groups, they have to be a list and not a token.
        :param construct_id: The id of the permission in the agent. Give it if the agent has several
            such action groups.
        :param name: Up to 40 letters and digits, each with at most one `_` or `-` after it, unique
            in the agent. Default: `code-interpreter`.
        :raises ValueError: if `name` or the agent's other action groups cannot be used, or if the
            agent has `construct_id` already.
        """
        check_free_id(agent, construct_id)
        add_action_group(agent, name, self.function.function_arn)
        self.function.add_permission(
            construct_id,
            scope=agent,
            principal=iam.ServicePrincipal(BEDROCK_PRINCIPAL),
            source_account=agent.stack.account,
            source_arn=agent.attr_agent_arn,
        )

    def _new_use_policy(
        self,
        function: HandlerFunction,
        code_interpreter: agentcore.ICodeInterpreterCustom,
        id_parameter: str | None,
    ) -> iam.Policy:
        """Define the policy for the code interpreter, which has to survive its replacement.

        CloudFormation changes policies in place. The policy for a code interpreter of the same
        stack has the id in its name, so that CloudFormation replaces it: otherwise the function
        would lose the permission for the old code interpreter before it gets the new id.
        """
        role = function.role
        assert role is not None
        policy = iam.Policy(self, "UsePolicy")
        acknowledge_inline_policy(
            policy,
            "the policy serves one role, and CloudFormation replaces it with the code interpreter",
        )
        # Several functions can share the role.
        unique = Names.unique_resource_name(self, max_length=_MAX_UNIQUE_NAME_LENGTH)
        name = f"{code_interpreter.code_interpreter_id}-{unique}"
        usable = code_interpreter
        if id_parameter is not None:
            name = f"{unique}-{Stack.of(self).region}"
            usable = self._with_replacements(code_interpreter, policy, id_parameter)
        if isinstance(usable, CodeInterpreter):
            usable._grant_use_without_certificates(policy)
        else:
            usable.grant_use(policy)
        if isinstance(code_interpreter, CodeInterpreter):
            function.allow_read_secrets(code_interpreter.certificates, policy=policy)
        usable.grant(policy, *READ_SESSIONS)
        role.attach_inline_policy(policy)
        definition = policy.node.default_child
        assert isinstance(definition, iam.CfnPolicy)
        definition.add_override("Type", "AWS::IAM::RolePolicy")
        definition.add_property_deletion_override("Roles")
        definition.add_property_override("RoleName", role.role_name)
        definition.add_property_override("PolicyName", name)
        self.function.node.add_dependency(policy)
        return policy

    def _with_replacements(
        self,
        code_interpreter: agentcore.ICodeInterpreterCustom,
        policy: iam.Policy,
        id_parameter: str,
    ) -> agentcore.ICodeInterpreterCustom:
        """Return another stack's code interpreter together with those that replace it, for grants.

        The other stack deletes the old one before this stack is deployed. Meanwhile the function
        reads the id of the new one from the parameter, which `policy` lets it do.
        """
        assert isinstance(code_interpreter, CodeInterpreter)
        parameter_arn = Stack.of(code_interpreter).format_arn(
            service="ssm", resource="parameter", resource_name=id_parameter.removeprefix("/")
        )
        policy.add_statements(
            iam.PolicyStatement(actions=READ_PARAMETER, resources=[parameter_arn])
        )
        return ImportedCodeInterpreter(self, "Replacements", arn=code_interpreter._arn_pattern)


def _identity(code_interpreter: agentcore.ICodeInterpreterCustom) -> str:
    """Return a name of a code interpreter that stays the same when CloudFormation replaces it.

    Session and idempotency records have it in their keys, so that a repeated idempotency key finds
    its response after a replacement, and so that deployments that share a bucket do not meet. An
    imported code interpreter has no name but its id, which its importers share.
    """
    env = code_interpreter.env
    is_imported = not any(map(CfnResource.is_cfn_resource, code_interpreter.node.find_all()))
    if is_imported:
        return f"{env.account}.{env.region}.{code_interpreter.code_interpreter_id}"
    # The name of a nested stack is known only at deployment.
    stack = top_level_stack(code_interpreter)
    return f"{env.account}.{env.region}.{stack.stack_name}.{code_interpreter.node.addr}"


def _acknowledge_timeout(function: lambda_.Function, timeout: Duration) -> None:
    if not timeout.is_unresolved() and timeout.to_seconds() > _LONGEST_KNOWN_TIMEOUT.to_seconds():
        acknowledge(
            function,
            "CloudFormation-Validate::E3717",
            "Lambda takes timeouts up to 1,800 s since 2026-11-19; the rule still says 900",
        )


def _check_region(code_interpreter: agentcore.ICodeInterpreterCustom, stack: Stack) -> None:
    interpreter_region, stack_region = code_interpreter.env.region, stack.region
    if Token.is_unresolved(interpreter_region) or Token.is_unresolved(stack_region):
        return
    if interpreter_region != stack_region:
        raise ValueError(
            f"the code interpreter is in region {interpreter_region!r}, but the function, in stack "
            f"{stack.node.path!r}, is in {stack_region!r} and looks for it there; define the "
            f"function in a stack of region {interpreter_region!r}"
        )
