"""The Lambda function through which agents and programs use a code interpreter."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from .lambda_function import python_function
from .nag import acknowledge_wildcard
from .workspace import Workspace

# Quotas of the service: a session lives for 1 second to 8 hours from its start, however busy.
_LONGEST_SESSION = Duration.hours(8)
_DEFAULT_SESSION = Duration.minutes(15)
_LONGEST_TIMEOUT = Duration.minutes(15)

# What grant_use() leaves out.
_MORE_SESSION_ACTIONS = (
    "bedrock-agentcore:GetCodeInterpreterSession",
    "bedrock-agentcore:ListCodeInterpreterSessions",
)


class InvokeFunction(Construct):
    """Define the function that runs tools in named sessions and keeps their files.

    It may use this one code interpreter and this one workspace, and write its own log.

    :param code_interpreter: Owned, imported or AWS-managed.
    :param workspace: Where sessions keep their files.
    :param session_timeout: How long a session lives from its start, 1 second to 8 hours; a
        forgotten one is paid for until then. Default: 15 minutes.
    :param timeout: How long one call may take, up to 15 minutes. Default: 15 minutes.
    :param memory_size: In MiB. Default: 256.
    :param log_group: Default: a new one that keeps its events for a month and is deleted with the
        function.
    :param role: Default: a new one with the permissions above.
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
    ) -> None:
        _check_duration("session_timeout", session_timeout, _LONGEST_SESSION)
        _check_duration("timeout", timeout, _LONGEST_TIMEOUT)
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
                "SESSION_TIMEOUT_SECONDS": str(session_timeout.to_seconds()),
            },
        )
        code_interpreter.grant_use(self.function)
        code_interpreter.grant(self.function, *_MORE_SESSION_ACTIONS)
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


def _check_duration(name: str, duration: Duration, longest: Duration) -> None:
    if duration.is_unresolved():
        return
    if not 1 <= duration.to_seconds() <= longest.to_seconds():
        raise ValueError(
            f"{name} is {duration.to_seconds()} s, but it must be 1 to {longest.to_seconds()} s; "
            "change it"
        )
