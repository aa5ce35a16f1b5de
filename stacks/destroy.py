"""The app of `make destroy`: the stacks that any settings can have deployed.

`cdk destroy` deletes stacks by their names. With the app itself, it would leave the stack of the
network unless it got the settings of the deployment.
"""

from __future__ import annotations

from aws_cdk import App, Stack


def main() -> None:
    app = App(builtin_cloud_formation_validation=False)  # the stacks are empty
    build(app)
    app.synth()


def build(app: App) -> None:
    network = Stack(app, "CodeInterpreterNetwork")
    Stack(app, "CodeInterpreter").add_stack_dependency(network)


if __name__ == "__main__":
    main()
