"""The Lambda function that answers CloudFormation for every code interpreter of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from aws_cdk import (
    Arn,
    ArnComponents,
    Aws,
    Duration,
    RemovalPolicy,
    Stack,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from ._private.certificates import grant_read_secret
from ._private.lambda_function import HandlerFunction
from ._private.lazy import lazy_list
from ._private.nag import acknowledge_wildcard
from ._private.permissions import (
    ADD_TAGS,
    AGENTCORE_PRINCIPAL,
    CREATE_CODE_INTERPRETER,
    CREATE_SERVICE_LINKED_ROLE,
    LIST_CODE_INTERPRETERS,
    MANAGE_CODE_INTERPRETER,
    NETWORK_PRINCIPAL,
    NETWORK_ROLE_PATH,
    PASS_ROLE,
    READ_TAGS,
    REQUEST_STACK_TAG_KEY,
    RESOURCE_STACK_TAG_KEY,
    SECURITY_GROUPS_KEY,
    SUBNETS_KEY,
)
from .code_interpreter_base import code_interpreter_arn
from .function_settings import FunctionSettings
from .limits import MAX_FUNCTION_SECONDS
from .network import NetworkConfig

_TIMEOUT = Duration.seconds(MAX_FUNCTION_SECONDS)

# CloudFormation gives up after this long. It leaves time for a second run, in case the first one
# is killed: Lambda repeats a failed asynchronous invocation after a minute.
SERVICE_TIMEOUT = Duration.minutes(35)


class ControlFunction(Construct):
    """Creates, updates and deletes the code interpreters of one stack.

    CloudFormation invokes the function itself, without the provider framework in between. Both
    are asynchronous, but the framework turns a handler that was killed into a failed creation
    whose deletion it then swallows, which leaves the code interpreter behind. Invoked directly,
    Lambda runs the same event again, and a failed creation is deleted by its real id.

    Each stack has one of its own accord; define one to give it settings, and pass it to the code
    interpreters.

    :param log_group: Default: a new one that keeps its events for a month and is deleted with the
        function.
    :param role: Default: a new one. Either gets the permissions that the code interpreters' own
        settings call for, unless it must not be changed.
    :param settings: Whatever else of `lambda_.Function` can be set: `allow_all_outbound`,
        `environment_encryption`, `function_name`, `on_failure`, `reserved_concurrent_executions`,
        `security_groups`, `tracing`, `vpc`, `vpc_subnets`.
    :ivar function: The function, with its role.
    :ivar log_group: Where it writes its log.
    :ivar permissions: What holds its permissions: its role, or the policy that yours got.
    """

    @classmethod
    def of(cls, scope: Construct) -> ControlFunction:
        """The function of the stack that `scope` is in, defined on first use."""
        stack = Stack.of(scope)
        existing = stack.node.try_find_child("CodeInterpreterControl")
        return existing if isinstance(existing, cls) else cls(stack, "CodeInterpreterControl")

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group: logs.ILogGroup | None = None,
        role: iam.IRole | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
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
            asset="control",
            handler="code_interpreter_control.handler.handler",
            description="Creates, updates and deletes AgentCore code interpreters",
            timeout=_TIMEOUT,
            memory_size=256,
            log_group=self.log_group,
            role=role,
            **settings,
        )
        self.function: lambda_.Function = function
        self.permissions = function.permissions
        self._allow_own_code_interpreters()

    @property
    def service_token(self) -> str:
        return self.function.function_arn

    def allow_create(self, network: NetworkConfig) -> None:
        """Let the function create code interpreters of this stack in `network`, and in no VPC
        but that of `network`."""
        request_tag_condition = {REQUEST_STACK_TAG_KEY: Aws.STACK_ID}
        if network.connections is None:
            conditions: dict[str, Any] = {
                "StringEquals": request_tag_condition,
                "Null": {SUBNETS_KEY: "true", SECURITY_GROUPS_KEY: "true"},
            }
        else:
            conditions = {
                "StringEquals": request_tag_condition,
                # A condition on "all values" also holds when there are none.
                "Null": {SUBNETS_KEY: "false", SECURITY_GROUPS_KEY: "false"},
                "ForAllValues:StringEquals": {
                    SUBNETS_KEY: network.subnet_ids,
                    SECURITY_GROUPS_KEY: lazy_list(lambda: network.security_group_ids),
                },
            }
            self._allow_service_linked_role()
        # The action has no resource type that a statement could name.
        self._allow(CREATE_CODE_INTERPRETER, "*", conditions)

    def allow_pass_role(self, role: iam.IRole) -> None:
        """Let the function hand `role` to a code interpreter."""
        self._allow(
            PASS_ROLE,
            role.role_arn,
            {"StringEquals": {"iam:PassedToService": AGENTCORE_PRINCIPAL}},
        )

    def allow_read_secret(self, secret: secretsmanager.ISecret) -> None:
        """Let AgentCore read `secret` when the function names it as a certificate."""
        grant_read_secret(secret, self.permissions)

    def _allow_own_code_interpreters(self) -> None:
        all_interpreters_arn = code_interpreter_arn(self, "*")
        is_new = {"StringEquals": {REQUEST_STACK_TAG_KEY: Aws.STACK_ID}}
        is_of_this_stack = {"StringEquals": {RESOURCE_STACK_TAG_KEY: Aws.STACK_ID}}
        self._allow(LIST_CODE_INTERPRETERS, "*")
        # Tags say whose a code interpreter is. If those of others could not be read, one of the
        # stack's own whose tags cannot be read for another reason would pass for one of theirs.
        self._allow(READ_TAGS, all_interpreters_arn)
        # Creating with tags is tagging, too.
        self._allow(ADD_TAGS, all_interpreters_arn, is_new)
        self._allow(MANAGE_CODE_INTERPRETER, all_interpreters_arn, is_of_this_stack)
        acknowledge_wildcard(
            self, "*", "CreateCodeInterpreter and ListCodeInterpreters take no resource"
        )
        acknowledge_wildcard(
            self,
            all_interpreters_arn,
            "the ids of code interpreters are not known before they exist; a condition on the "
            "tag that names this stack limits all but the reading of tags to its own",
        )

    def _allow_service_linked_role(self) -> None:
        """AgentCore makes this role when the first code interpreter in a VPC is created."""
        self._allow(
            CREATE_SERVICE_LINKED_ROLE,
            Arn.format(
                ArnComponents(
                    service="iam",
                    region="",
                    resource="role",
                    resource_name=NETWORK_ROLE_PATH,
                ),
                Stack.of(self),
            ),
            {"StringEquals": {"iam:AWSServiceName": NETWORK_PRINCIPAL}},
        )

    def _allow(
        self, actions: Sequence[str], resource: str, conditions: Mapping[str, Any] | None = None
    ) -> None:
        self.permissions.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions)
        )
