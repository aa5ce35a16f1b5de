"""A client of the deployed function, in the local AWS of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from aws_cdk import App

from code_interpreter_client import CodeInterpreter
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from code_interpreter_client import Session
    from local_aws import LocalAws

ACCOUNT = "220000000000"


@pytest.fixture(scope="session")
def environment(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Deploy the project's stack, and return the variables that its users export."""
    assembly = tmp_path_factory.mktemp("assembly")
    app = App(outdir=str(assembly), builtin_cloud_formation_validation=False)
    CodeInterpreterStack(app, "CodeInterpreter", settings=Settings())
    app.synth()
    local_aws.deploy(assembly, ACCOUNT)
    return local_aws.environment(ACCOUNT)


@pytest.fixture
def interpreter(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CodeInterpreter:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return CodeInterpreter.from_stack("CodeInterpreter", boto3_session=boto3.Session())


@pytest.fixture
def session(interpreter: CodeInterpreter) -> Iterator[Session]:
    """Return a session that is stopped after the test."""
    with interpreter.session() as session:
        yield session
