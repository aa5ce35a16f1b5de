"""No program runs twice, and every result is obtained, whatever happens to the connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import pytest

from code_interpreter_client import CodeInterpreter, function
from code_interpreter_client.function import Function, lambda_client

from .cutting_proxy import CuttingProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from code_interpreter_client import Session


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(function, "MAX_PAUSE", 0.2)


@pytest.fixture
def cut(environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Cut]:
    """Return the interpreter behind a proxy that cuts connections; the parameter is its seed."""
    endpoint = urlsplit(environment["AWS_ENDPOINT_URL"])
    assert endpoint.port is not None
    with CuttingProxy(endpoint.port, seed=request.param) as proxy:
        boto3_session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{proxy.port}")
            client = lambda_client(boto3_session)
        yield Cut(proxy, client)


class Cut(NamedTuple):
    """A proxy, and a client of Lambda behind it."""

    proxy: CuttingProxy
    client: Any

    def interpreter(self, interpreter: CodeInterpreter) -> CodeInterpreter:
        """Return the interpreter whose requests go through the proxy."""
        return CodeInterpreter(Function(interpreter.function.name, self.client))


@pytest.mark.parametrize(
    ("cut", "count"),
    [(1, 12), pytest.param(2, 200, marks=pytest.mark.slow)],
    indirect=["cut"],
)
def test_each_program_runs_once_and_its_result_comes(
    interpreter: CodeInterpreter, session: Session, cut: Cut, count: int
) -> None:
    behind = cut.interpreter(interpreter).session(session.name)
    for number in range(count):
        result = behind.run(f"open('runs.txt', 'a').write('{number} '); {number} * 2")
        assert str(result.results[-1]) == str(number * 2)
    assert cut.proxy.cut > count / 3
    assert session.read("runs.txt").split() == [str(number).encode() for number in range(count)]
