"""A client of the deployed function, in the local AWS of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from aws_cdk import App

from code_interpreter_client import CodeInterpreter
from code_interpreter_client.cli.app import main
from code_interpreter_client.connections import lambda_client
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings
from tests.conftest import end_sandboxes

from .cutting_proxy import Cut, CuttingProxy
from .forks import Forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from code_interpreter_client import Session
    from local_aws import LocalAws

    CommandLine = Callable[..., "Outcome"]

ACCOUNT = "220000000000"


@dataclass
class Outcome:
    """The outcome of a command: its exit code, and all that it printed."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def environment(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Deploy the project's stack, and return the variables that its users export."""
    assembly = tmp_path_factory.mktemp("assembly")
    app = App(outdir=str(assembly), builtin_cloud_formation_validation=False)
    CodeInterpreterStack(app, "CodeInterpreter", settings=Settings())
    app.synth()
    local_aws.deploy(assembly, ACCOUNT)
    return local_aws.environment(ACCOUNT)


@pytest.fixture(scope="module", autouse=True)
def no_sandbox_outlives_its_module(local_aws: LocalAws) -> Iterator[None]:
    yield
    end_sandboxes(local_aws, ACCOUNT)


@pytest.fixture(scope="module")
def forks(request: pytest.FixtureRequest) -> Iterator[Forks]:
    """Return a process that forks others, which has imported the modules in `FORKED`."""
    forks = Forks(*request.module.FORKED)
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def shared_interpreter(environment: dict[str, str]) -> CodeInterpreter:
    """Return the interpreter, which all tests use: each connects for a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return CodeInterpreter.from_stack("CodeInterpreter", boto3_session=boto3.Session())


@pytest.fixture
def interpreter(
    shared_interpreter: CodeInterpreter,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> CodeInterpreter:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return shared_interpreter


@pytest.fixture
def session(interpreter: CodeInterpreter) -> Iterator[Session]:
    """Return a session that is stopped after the test."""
    with interpreter.session() as session:
        yield session


@pytest.fixture(scope="module")
def shared_session(shared_interpreter: CodeInterpreter) -> Iterator[Session]:
    """Return a session for the tests of a module that do not stop it: a new one starts a kernel."""
    with shared_interpreter.session() as session:
        yield session


@pytest.fixture
def code_interpreter(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> CommandLine:
    """Return the command `code-interpreter` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def code_interpreter(*arguments: str) -> Outcome:
        exit_code = main(arguments)
        printed = capsys.readouterr()
        return Outcome(exit_code, printed.out, printed.err)

    return code_interpreter


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
