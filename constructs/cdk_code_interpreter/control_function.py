"""The Lambda function that creates, updates and deletes a stack's code interpreters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from aws_cdk import (
    Arn,
    ArnComponents,
    Aws,
    Duration,
    Stack,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.lambda_function import HandlerFunction
from ._private.lazy import lazy_list
from ._private.nag import acknowledge_rule, acknowledge_wildcard
from ._private.permissions import (
    ADD_TAGS,
    AGENTCORE_PRINCIPAL,
    CREATE_CODE_INTERPRETER,
    CREATE_SERVICE_LINKED_ROLE,
    LAMBDA_PRINCIPAL,
    LIST_CODE_INTERPRETERS,
    MANAGE_CODE_INTERPRETER,
    NETWORK_PRINCIPAL,
    NETWORK_ROLE_PATH,
    PASS_ROLE,
    READ_TAGS,
    REMOVE_CODE_INTERPRETER,
    REQUEST_STACK_TAG_KEY,
    RESOURCE_STACK_TAG_KEY,
    SECURITY_GROUPS_KEY,
    SUBNETS_KEY,
)
from ._private.trust import check_trust
from ._private.validation import check_function_settings
from .code_interpreter_base import code_interpreter_arn
from .function_settings import FunctionSettings
from .network import NetworkConfig

_TIMEOUT = Duration.minutes(15)

# CloudFormation fails a request after this time. It is enough for a second run if Lambda kills the
# first: Lambda repeats a failed asynchronous invocation after a minute.
SERVICE_TIMEOUT = Duration.minutes(35)


class ControlFunction(Construct):
    """Define the function with which CloudFormation manages the code interpreters of a stack.

    The code interpreters of a stack share one function, which the first of them defines. To give
    the function settings, define it yourself and pass it to the code interpreters.

    CloudFormation invokes the function directly, without CDK's provider framework. After a killed
    invocation, the framework reports a failed creation and then ignores the deletion that follows,
    so that the code interpreter stays. With a direct invocation, Lambda repeats the event, and
    CloudFormation deletes a failed creation by its real id.

    :param log_group: Default: a new log group that keeps events for one month and is deleted with
        the function.
    :param role: Default: a new role. The construct adds the permissions that the code interpreters
        need to your role, too, unless it is immutable.
    :param settings: Further settings of `lambda_.Function`: see `FunctionSettings`.
    :ivar function: The Lambda function, with its role.
    :ivar log_group: The log group that the function writes to.
    :ivar permissions: The new role, or the policy that the construct attached to your role.
    """

    @classmethod
    @check_arguments
    def of(cls, scope: Construct) -> ControlFunction:
        """Return the function that the code interpreters of `scope`'s stack share.

        The first call defines it.
        """
        stack = Stack.of(scope)
        existing = stack.node.try_find_child("CodeInterpreterControl")
        return existing if isinstance(existing, cls) else cls(stack, "CodeInterpreterControl")

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group: logs.ILogGroup | None = None,
        role: iam.IRole | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        check_function_settings(settings, log_group)
        super().__init__(scope, construct_id)
        function = HandlerFunction(
            self,
            "Function",
            asset="control",
            handler="code_interpreter_control.handler.handler",
            description="Creates, updates and deletes AgentCore code interpreters",
            timeout=_TIMEOUT,
            memory_size=256,
            log_group=log_group,
            role=role,
            **settings,
        )
        self.function: lambda_.Function = function
        self.log_group = function.log_group
        self._handler_function = function
        self.permissions = function.permissions
        self._own_arns: list[str] = []
        check_trust(self, "role", role, LAMBDA_PRINCIPAL)
        self._allow_manage_code_interpreters()
        acknowledge_rule(
            function,
            "LambdaDLQ",
            "CloudFormation waits for the function's response, and reports that none came",
        )
        acknowledge_rule(
            function,
            "LambdaConcurrency",
            "CloudFormation invokes the function once for each change of a code interpreter; a "
            "limit would only delay a deployment",
        )

    @property
    def service_token(self) -> str:
        """The service token of a custom resource that the function handles."""
        return self.function.function_arn

    @check_arguments
    def allow_create(self, network: NetworkConfig) -> None:
        """Let the function create code interpreters of this stack in `network`.

        The permission names the subnets and the security groups of `network`, or excludes every
        VPC if it has none.
        """
        request_tag_condition = {REQUEST_STACK_TAG_KEY: Aws.STACK_ID}
        if network.connections is None:
            conditions: dict[str, Any] = {
                "StringEquals": request_tag_condition,
                "Null": {SUBNETS_KEY: "true", SECURITY_GROUPS_KEY: "true"},
            }
        else:
            conditions = {
                "StringEquals": request_tag_condition,
                # "ForAllValues" is also true of a request without values.
                "Null": {SUBNETS_KEY: "false", SECURITY_GROUPS_KEY: "false"},
                "ForAllValues:StringEquals": {
                    SUBNETS_KEY: network.subnet_ids,
                    SECURITY_GROUPS_KEY: lazy_list(lambda: network.security_group_ids),
                },
            }
            self._allow_service_linked_role()
        # The action supports no resource.
        self._allow(CREATE_CODE_INTERPRETER, "*", conditions)

    @check_arguments
    def allow_manage(self, name_pattern: str) -> None:
        """Let the function manage the code interpreters with a name, whatever their tags.

        The developer guide calls the service's support of tags in policies partial. If it does not
        evaluate a tag right after the creation, the function has to read the code interpreter all
        the same, and to remove it if the creation fails.

        :param name_pattern: A name that only this stack gives, with `?` for an unknown character.
        """
        self._own_arns.append(code_interpreter_arn(self, f"{name_pattern}-{'?' * 10}"))
        if len(self._own_arns) == 1:
            self._handler_function.allow(
                iam.PolicyStatement(
                    actions=MANAGE_CODE_INTERPRETER, resources=lazy_list(lambda: self._own_arns)
                )
            )

    @check_arguments
    def allow_pass_role(self, role: iam.IRole) -> None:
        """Let the function pass `role` to a code interpreter."""
        self._allow(
            PASS_ROLE,
            role.role_arn,
            {"StringEquals": {"iam:PassedToService": AGENTCORE_PRINCIPAL}},
        )

    @check_arguments
    def allow_read_secret(self, secret: secretsmanager.ISecret) -> None:
        """Let AgentCore read `secret` as a certificate, with the function's credentials."""
        self.allow_read_secrets([secret])

    @check_arguments
    def allow_read_secrets(self, secrets: Sequence[secretsmanager.ISecret]) -> None:
        """Let AgentCore read `secrets` as certificates, with the function's credentials."""
        self._handler_function.allow_read_secrets(secrets)

    def _allow_manage_code_interpreters(self) -> None:
        all_interpreters_arn = code_interpreter_arn(self, "*")
        is_new = {"StringEquals": {REQUEST_STACK_TAG_KEY: Aws.STACK_ID}}
        is_of_this_stack = {"StringEquals": {RESOURCE_STACK_TAG_KEY: Aws.STACK_ID}}
        self._allow(LIST_CODE_INTERPRETERS, "*")
        # The function finds this stack's code interpreters by their tags. It may read all tags, so
        # that a refusal never makes a code interpreter of this stack look like another stack's.
        self._allow(READ_TAGS, all_interpreters_arn)
        # A creation with tags needs the permission to tag, too, before there is a name. Without the
        # second condition, the function could give another stack's code interpreter the tag of this
        # stack, and then delete it.
        is_of_no_other_stack = {"StringEqualsIfExists": is_of_this_stack["StringEquals"]}
        self._allow(ADD_TAGS, all_interpreters_arn, {**is_new, **is_of_no_other_stack})
        # The code interpreter before a change of its name, which `allow_manage()` does not cover.
        self._allow(REMOVE_CODE_INTERPRETER, all_interpreters_arn, is_of_this_stack)
        acknowledge_wildcard(
            self, "*", "CreateCodeInterpreter and ListCodeInterpreters support no resource"
        )
        acknowledge_wildcard(
            self,
            all_interpreters_arn,
            "the id of a code interpreter is unknown until it exists; a condition on the tag "
            "that names this stack limits every action but the reading of tags",
        )

    def _allow_service_linked_role(self) -> None:
        """Let AgentCore create the role with which it makes network interfaces in a VPC."""
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
        self._handler_function.allow(
            iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions)
        )
