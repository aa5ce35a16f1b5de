"""The app of `make destroy`: the stacks that any settings can have deployed.

`cdk destroy` deletes stacks by their names. With the app itself, it would leave the stack of the
network unless it got the settings of the deployment. Here it needs those of the stack alone: its
name, its account and its region. `make destroy-network` destroys the stack of the network alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from aws_cdk import App, Environment, Stack

from .settings import Settings
from .values import SettingsError

NETWORK = "network"


def main(arguments: Sequence[str] = ()) -> int:
    """Synthesise the app, and return the exit code. The argument `network` leaves out the rest."""
    app = App(builtin_cloud_formation_validation=False)  # the stacks are empty
    try:
        build(app, only_network=NETWORK in arguments)
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a program for a terminal
        return 1
    app.synth()
    return 0


def build(app: App, *, only_network: bool = False) -> None:
    """Define the stacks.

    :raises SettingsError: if the context has a setting that cannot be used, which could be a name.
    """
    settings = Settings.from_context(app.node.get_all_context())
    env = Environment(account=settings.account, region=settings.region)
    network = Stack(app, settings.network_stack_name, env=env)
    if not only_network:
        Stack(app, settings.stack_name, env=env).add_stack_dependency(network)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
