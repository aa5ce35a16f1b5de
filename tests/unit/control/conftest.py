from __future__ import annotations

import pytest

from code_interpreter_control import handler
from tests.fakes.cloudformation import CloudFormation
from tests.fakes.control_plane import FakeCodeInterpreters, InProcessFunction


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeCodeInterpreters:
    fake = FakeCodeInterpreters()
    monkeypatch.setattr(handler, "code_interpreters", lambda: fake)
    return fake


@pytest.fixture
def function(service: FakeCodeInterpreters) -> InProcessFunction:
    return InProcessFunction(service)


@pytest.fixture
def cloudformation(function: InProcessFunction) -> CloudFormation:
    return CloudFormation(function.run)
