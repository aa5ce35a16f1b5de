from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack

import app as project
from stacks import destroy
from stacks.values import SettingsError
from tests.unit.constructs.everything import new_app

NAMED = {
    "code-interpreter:stack-name": "Analysis",
    "code-interpreter:account": "123456789012",
    "code-interpreter:region": "eu-central-1",
}


def stacks(app: App) -> dict[tuple[str, str], set[str]]:
    """Return the names and environments of the stacks, with those that each depends on."""
    return {
        (stack.stack_name, stack.environment): {other.stack_name for other in stack.dependencies}
        for stack in app.node.children
        if isinstance(stack, Stack)
    }


@pytest.mark.parametrize("named", [{}, NAMED], ids=["default", "named"])
@pytest.mark.parametrize("network", ["vpc", "sealed"])
def test_every_stack_of_the_app_is_destroyed_in_the_reverse_order(
    network: str, named: dict[str, Any]
) -> None:
    context = {"code-interpreter:network": network, **named}
    largest = new_app(context)
    project.build(largest)
    largest.synth()
    all_of_them = new_app(named)
    destroy.build(all_of_them)
    assert len(stacks(largest)) == 2
    assert stacks(all_of_them) == stacks(largest)


def test_the_network_alone_is_destroyed() -> None:
    app = new_app(NAMED)
    destroy.build(app, only_network=True)
    assert stacks(app) == {("AnalysisNetwork", "aws://123456789012/eu-central-1"): set()}


def test_fails_on_a_mistyped_name_before_it_destroys_another_stack() -> None:
    app = new_app({"code-interpreter:stackname": "Analysis"})
    with pytest.raises(SettingsError, match="did you mean 'code-interpreter:stack-name'"):
        destroy.build(app)
