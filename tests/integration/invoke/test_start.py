"""The invoke function starts in a process of its own, as Lambda starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {
    "PYTHONPATH": "lambda/invoke",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "CODE_INTERPRETER_ID": "analysis-0123456789",
    "WORKSPACE_BUCKET": "bucket",
    "RECORDS_PREFIX": "sessions/workspace/Stack.c8/",
    "SESSION_TIMEOUT_SECONDS": "900",
}


def start(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_lambda_finds_the_handler() -> None:
    program = "from code_interpreter_invoke.handler import handler; print(callable(handler))"
    assert start(program).stdout == "True\n"


def test_a_missing_setting_is_named_when_the_function_starts() -> None:
    failed = start("import code_interpreter_invoke.handler", WORKSPACE_BUCKET="")
    assert failed.stderr.splitlines()[-1] == (
        "ValueError: environment variable WORKSPACE_BUCKET is not set"
    )


def test_what_runs_in_sandboxes_is_not_imported() -> None:
    program = (
        "import sys, code_interpreter_invoke.handler; "
        "unwanted = ('code_interpreter_invoke.sandbox.program', 'boto3'); "
        "print([name for name in unwanted if name in sys.modules])"
    )
    assert start(program).stdout == "[]\n"


@pytest.mark.parametrize("module", ["requests.tools", "requests.request", "requests.callers"])
def test_the_definitions_need_the_standard_library_alone(module: str) -> None:
    program = (
        f"import sys, code_interpreter_invoke.{module}; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore'}))"
    )
    assert start(program).stdout == "[]\n"


def test_the_start_disables_the_libraries_logs() -> None:
    """At DEBUG botocore logs requests and responses; Lambda's log level can be set from outside."""
    program = (
        "import logging; logging.basicConfig(level=logging.DEBUG)\n"
        "import code_interpreter_invoke.handler\n"
        "print([logging.getLogger(name).isEnabledFor(logging.INFO)"
        " for name in ('botocore.parsers', 'botocore.endpoint', 'urllib3.connectionpool')])"
    )
    done = start(program)
    assert done.stdout == "[False, False, False]\n"
    assert done.stderr == ""


def test_it_runs_where_there_is_boto3_and_nothing_else() -> None:
    lambda_python = Path(".venv-lambda/bin/python")
    done = subprocess.run(
        [lambda_python, "-c", "import code_interpreter_invoke.handler; print('started')"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "started\n", done.stderr
