from __future__ import annotations

import pytest
from aws_cdk import App, Stack

import app as project
from stacks import destroy


def stacks(app: App) -> dict[str, set[str]]:
    """Return the names of the stacks, with those that each depends on."""
    return {
        stack.stack_name: {other.stack_name for other in stack.dependencies}
        for stack in app.node.children
        if isinstance(stack, Stack)
    }


@pytest.mark.parametrize("network", ["vpc", "sealed"])
def test_every_stack_of_the_app_is_destroyed_in_the_reverse_order(network: str) -> None:
    context = {"code-interpreter:network": network}
    largest = App(context=context, builtin_cloud_formation_validation=False)
    project.build(largest)
    largest.synth()
    all_of_them = App()
    destroy.build(all_of_them)
    assert stacks(all_of_them) == stacks(largest)
