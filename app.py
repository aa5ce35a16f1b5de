"""The CDK app, the only place that reads context."""

from __future__ import annotations

import sys

from aws_cdk import App, Validations
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R5Checks,
    PCIDSS321Checks,
)

from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.network_stack import NetworkStack, SealedNetworkStack
from stacks.settings import Settings
from stacks.values import SettingsError


def main() -> int:
    """Synthesise the app, and return the exit code."""
    app = App()
    try:
        build(app)
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a program for a terminal
        return 1
    app.synth()
    return 0


def build(app: App) -> None:
    """Define the stacks that the app's context describes. Synthesis checks them with cdk-nag.

    :raises SettingsError: if the context has a setting that cannot be used.
    """
    settings = Settings.from_context(app.node.get_all_context())
    validations = Validations.of(app)
    validations.add_plugins(AwsSolutionsChecks(app, verbose=True))
    if settings.compliance:
        validations.add_plugins(
            NIST80053R5Checks(app, verbose=True),
            HIPAASecurityChecks(app, verbose=True),
            PCIDSS321Checks(app, verbose=True),
        )
    network = sealed_network = None
    if settings.network == "sealed":
        sealed_network = SealedNetworkStack(
            app, settings.network_stack_name, settings=settings
        ).sealed_network
    elif settings.network == "vpc" and settings.vpc_id is None:
        network = NetworkStack(app, settings.network_stack_name, settings=settings).network
    CodeInterpreterStack(
        app, settings.stack_name, settings=settings, network=network, sealed_network=sealed_network
    )


if __name__ == "__main__":
    sys.exit(main())
