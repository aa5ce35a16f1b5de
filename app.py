"""The CDK app: the only place that reads context and environment."""

from __future__ import annotations

import sys

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings, SettingsError


def main() -> int:
    app = App()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    try:
        settings = Settings.from_context(app.node.get_all_context())
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    CodeInterpreterStack(app, "CodeInterpreter", settings=settings)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
