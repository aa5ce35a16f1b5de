from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from tests.conftest import end_sandboxes
from tests.integration.invoke.wire import Wire


@pytest.fixture
def wire(local_aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    yield from serve(local_aws, account, monkeypatch)


accounts_of_modules = itertools.count(201_000_000_000)


@pytest.fixture(scope="module")
def shared_wire(local_aws: LocalAws) -> Iterator[Wire]:
    """Serve the tests of a module that need no new sandbox: its kernel is half a second of work."""
    account = str(next(accounts_of_modules))
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from serve(local_aws, account, monkeypatch)
    end_sandboxes(local_aws, account)


def serve(aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name, value in aws.environment(account).items():
        monkeypatch.setenv(name, value)
    wire = Wire(aws, account)
    yield wire
    wire.close()
