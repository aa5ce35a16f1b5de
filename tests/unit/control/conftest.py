from __future__ import annotations

import pytest

from code_interpreter_control import handler

from .fakes import CloudFormation, FakeService


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    fake = FakeService()
    monkeypatch.setattr(handler, "code_interpreters", lambda: fake)
    return fake


@pytest.fixture
def cloudformation(service: FakeService) -> CloudFormation:
    return CloudFormation(service)
