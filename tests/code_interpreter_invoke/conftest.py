from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from local_aws import LocalAws
from tests.code_interpreter_invoke.fakes import World
from tests.code_interpreter_invoke.wire import Wire

# The same examples on every machine, and as long as each takes on a busy one. A fake world may
# serve many examples: each of them says what it needs.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("steady")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "sandboxes")


@pytest.fixture
def wire(local_aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    yield from served(local_aws, account, monkeypatch)


@pytest.fixture(scope="module")
def shared_wire(local_aws: LocalAws) -> Iterator[Wire]:
    """For tests that leave it as they found it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from served(local_aws, "200000000000", monkeypatch)


def served(aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name, value in aws.environment(account).items():
        monkeypatch.setenv(name, value)
    wire = Wire(aws, account)
    yield wire
    wire.close()
