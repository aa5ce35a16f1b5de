from __future__ import annotations

import pytest
from aws_cdk import App, Stack

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

from .everything import new_app


@pytest.fixture
def app() -> App:
    """Return an app without feature flags, as projects of others can have it."""
    return new_app()


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Test")


@pytest.fixture
def function(stack: Stack) -> InvokeFunction:
    """Return a function that uses an imported code interpreter."""
    return InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.from_id(stack, "Interpreter", "theirs-abcdefghij"),
        workspace=Workspace(stack, "Workspace"),
    )
