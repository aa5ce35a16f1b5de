"""The Lambda functions of the library: their code and their runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack, cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from ..function_settings import FunctionSettings, LambdaSettings, LogSettings
from .certificates import SecretPermissions
from .log_group import new_log_group
from .nag import acknowledge_inline_policy, acknowledge_wildcard
from .permissions import LAMBDA_PRINCIPAL, MANAGE_NETWORK_INTERFACES, WRITE_LOG
from .role_policy import new_role_policy

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64

_PACKAGE = Path(__file__).resolve().parent.parent
# A wheel has the code inside the package; a checkout has it next to `constructs/`.
_ASSET_ROOTS = (_PACKAGE / "lambda_assets", _PACKAGE.parent.parent / "lambda")


def lambda_code(name: str) -> lambda_.AssetCode:
    """Return the asset with the code of the function `name`.

    Its hash depends on the source alone, because the asset excludes Python's byte code.
    """
    return lambda_.Code.from_asset(
        str(lambda_directory(name)), exclude=["**/__pycache__", "**/*.pyc", "**/.*"]
    )


def lambda_directory(name: str) -> Path:
    """Return the folder with the code of the function `name`.

    :raises FileNotFoundError: if the installation is incomplete.
    """
    for root in _ASSET_ROOTS:
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(
        f"the code of the Lambda function {name!r} is in none of "
        f"{[str(root) for root in _ASSET_ROOTS]}; cdk-code-interpreter is not completely "
        "installed, so install it again"
    )


class HandlerFunction(lambda_.Function):
    """Define a function that may only write its log, until `allow()` adds permissions.

    It cannot create log groups: Lambda writes logs with a delay, and would create a group again
    that the stack has just deleted.

    :ivar permissions: The new role, or the policy of this stack that the user's role gets.
    """

    permissions: iam.Role | iam.Policy

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        asset: str,
        handler: str,
        description: str,
        timeout: Duration,
        memory_size: int,
        log_group: logs.ILogGroup | None = None,
        role: iam.IRole | None = None,
        environment: dict[str, str] | None = None,
        retry_attempts: int | None = None,
        **settings: Unpack[FunctionSettings],
    ) -> None:
        log_settings, lambda_settings = _split(settings)
        log_group = log_group or new_log_group(scope, "Logs", **log_settings)
        new_role = None
        if role is None:
            new_role = iam.Role(
                scope,
                f"{construct_id}Role",
                assumed_by=iam.ServicePrincipal(LAMBDA_PRINCIPAL),
            )
        super().__init__(
            scope,
            construct_id,
            code=lambda_code(asset),
            handler=handler,
            description=description,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            timeout=timeout,
            memory_size=memory_size,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            role=role or new_role,
            environment=environment,
            retry_attempts=retry_attempts,
            **lambda_settings,
        )
        # A property injector can replace the new role.
        has_new_role = self.role is new_role
        if new_role is not None and has_new_role:
            self.permissions = new_role
        else:
            self.permissions = self._new_policy(scope, f"{construct_id}Policy")
        self._scope = scope
        self._secret_permissions: SecretPermissions | None = None
        self._allow_log(self.log_group)
        if self.is_bound_to_vpc:
            self._allow_network_interfaces()
        if settings.get("tracing", lambda_.Tracing.DISABLED) != lambda_.Tracing.DISABLED:
            self._acknowledge_tracing()

    def allow_read_secrets(
        self, secrets: Sequence[secretsmanager.ISecret], *, policy: iam.Policy | None = None
    ) -> None:
        """Let the function read secrets, the first of them with `policy`.

        :param policy: An inline policy of the role. Default: `permissions`.
        """
        if self._secret_permissions is None:
            assert self.role is not None
            self._secret_permissions = SecretPermissions(
                self._scope,
                f"{self.node.id}SecretsPolicy",
                inline=policy or self.permissions,
                role=self.role,
            )
        for managed_policy in self._secret_permissions.allow(secrets):
            self.node.add_dependency(managed_policy)

    def allow(self, statement: iam.PolicyStatement) -> None:
        """Add a permission."""
        if isinstance(self.permissions, iam.Role):
            self.permissions.add_to_policy(statement)
        else:
            self.permissions.add_statements(statement)

    def _new_policy(self, scope: Construct, construct_id: str) -> iam.Policy:
        policy = new_role_policy(scope, construct_id)
        assert self.role is not None
        self.role.attach_inline_policy(policy)
        self.node.add_dependency(policy)
        return policy

    def _allow_log(self, log_group: logs.ILogGroup) -> None:
        arn = log_group.log_group_arn
        self.allow(iam.PolicyStatement(actions=WRITE_LOG, resources=[arn]))
        acknowledge_wildcard(self.permissions, arn, "a log group's streams are its own")
        # The first permission of a new role defines this policy.
        policy = self.permissions.node.try_find_child("DefaultPolicy")
        if policy is not None:
            acknowledge_inline_policy(policy, "the policy serves one role, and goes with it")

    def _allow_network_interfaces(self) -> None:
        self.allow(iam.PolicyStatement(actions=MANAGE_NETWORK_INTERFACES, resources=["*"]))
        acknowledge_wildcard(
            self.permissions, "*", "Lambda makes network interfaces, whose ids are not known before"
        )

    def _acknowledge_tracing(self) -> None:
        """Acknowledge the permission to send traces, which CDK gives to the function's own role."""
        reason = "X-Ray has no resources that a statement could name"
        acknowledge_wildcard(self, "*", reason)
        if isinstance(self.permissions, iam.Role):
            acknowledge_wildcard(self.permissions, "*", reason)


def _split(settings: FunctionSettings) -> tuple[LogSettings, LambdaSettings]:
    """Return the settings of the log group, and those of the function itself."""
    of_log = LogSettings.__annotations__.keys()
    log = {name: value for name, value in settings.items() if name in of_log}
    function = {name: value for name, value in settings.items() if name not in of_log}
    return cast(LogSettings, log), cast(LambdaSettings, function)
