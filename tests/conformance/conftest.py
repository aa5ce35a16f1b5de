"""Conformance of a Code Interpreter service, ours or the real one.

The suite talks boto3 only and takes its endpoint from one setting, AGENTCORE_ENDPOINT_URL:
unset, it starts the emulator; a URL, it uses that; `aws`, it uses the service's own endpoints
with boto3's own credentials and region (this creates billed resources and removes them).

It asserts nothing that AWS does not document and nobody has recorded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.service import Service, Session

REAL_SERVICE = "aws"


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str | None]:
    given = os.environ.get("AGENTCORE_ENDPOINT_URL")
    if given:
        yield None if given == REAL_SERVICE else given
        return
    command = [sys.executable, "-m", "agentcore_emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def service(endpoint: str | None) -> Iterator[Service]:
    service = Service(endpoint)
    yield service
    service.close()


@pytest.fixture(scope="session")
def interpreter(service: Service) -> Iterator[dict[str, Any]]:
    """Create a custom interpreter that no test changes."""
    with service.interpreter(description="conformance", tags={"purpose": "conformance"}) as created:
        yield created


@pytest.fixture(scope="session")
def shared_session(service: Service) -> Iterator[Session]:
    """Start a session for tests that leave only files of their own behind."""
    with service.session() as session:
        yield session


@pytest.fixture
def session(service: Service) -> Iterator[Session]:
    """Start a session for this test alone."""
    with service.session() as session:
        yield session
