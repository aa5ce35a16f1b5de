"""The properties that every stack of the app has."""

from __future__ import annotations

from aws_cdk import Environment, PermissionsBoundary, Stack
from constructs import Construct

from .existing import existing_key
from .logs import log_settings
from .settings import Settings


class DeploymentStack(Stack):
    """Define a stack in the account and region of the settings.

    :ivar key: The KMS key of the settings, or None.
    :ivar log_settings: The settings of every log group.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, description: str
    ) -> None:
        arn = settings.permissions_boundary_arn
        boundary = None if arn is None else PermissionsBoundary.from_arn(arn)
        super().__init__(
            scope,
            construct_id,
            description=description,
            env=Environment(account=settings.account, region=settings.region),
            permissions_boundary=boundary,
            termination_protection=settings.termination_protection,
        )
        self.key = existing_key(self, settings)
        self.log_settings = log_settings(settings, self.key)
