"""The deployed function, which the environment names as it does for users."""

from __future__ import annotations

import pytest

from code_interpreter_client import CodeInterpreter


@pytest.fixture(scope="session")
def interpreter() -> CodeInterpreter:
    return CodeInterpreter.from_stack("CodeInterpreter")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
