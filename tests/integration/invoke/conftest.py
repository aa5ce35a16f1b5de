from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from tests.integration.invoke.wire import Wire


@pytest.fixture
def wire(local_aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    yield from serve(local_aws, account, monkeypatch)


@pytest.fixture(scope="module")
def shared_wire(local_aws: LocalAws) -> Iterator[Wire]:
    """Serve the tests of a module that leave no state behind."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from serve(local_aws, "200000000000", monkeypatch)


def serve(aws: LocalAws, account: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    for name, value in aws.environment(account).items():
        monkeypatch.setenv(name, value)
    wire = Wire(aws, account)
    yield wire
    wire.close()
