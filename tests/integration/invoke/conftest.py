from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_aws import LocalAws
from tests.integration.invoke.wire import Wire


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
