"""The invoke function starts in a process of its own, as Lambda starts it."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
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
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # where no server listens
}


def start(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_setting_is_named_when_the_function_starts() -> None:
    failed = start("import code_interpreter_invoke.handler", WORKSPACE_BUCKET="")
    assert failed.stderr.splitlines()[-1] == (
        "ValueError: environment variable WORKSPACE_BUCKET is not set"
    )


def test_what_runs_in_sandboxes_is_not_imported() -> None:
    unwanted = {"code_interpreter_invoke.sandbox.program", "boto3"}
    assert unwanted & loaded("code_interpreter_invoke.handler") == set()


# Modules that most requests do not need; their imports have the reason beside them.
LATE = (
    "files.large_files",
    "files.loading",
    "files.rich_results",
    "idempotency",
    "requests.bedrock_agent",
    "requests.gateway",
    "requests.rich_results",
    "requests.truncation",
    "responses",
    "sandbox.failures",
    "sandbox.system_exit",
    "sessions.lease",
    "sessions.setup",
    "sessions.spare",
    "sessions.sweeper",
    "tools.api",
    "tools.files",
    "tools.sessions",
    "tools.workspace",
)
# Modules beside those that Lambda's runtime and botocore load anyway, each below 5 ms.
OWN_IMPORTS = {"concurrent.futures.thread", "gc", "secrets", "unicodedata"}
# A connection loads these to look up a host's name.
OWN_IMPORTS |= {"encodings.idna", "stringprep"}


@cache
def loaded(imports: str) -> set[str]:
    """Return the names of the modules that these imports load."""
    done = start(f"import sys, {imports}; print(*sys.modules)")
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_start_loads_what_most_requests_need_and_nothing_else() -> None:
    modules = loaded("code_interpreter_invoke.handler")
    own = {name for name in modules if name.startswith("code_interpreter_invoke.")}
    assert own.isdisjoint(f"code_interpreter_invoke.{name}" for name in LATE)
    others = {name for name in modules - own if not name.startswith("code_interpreter_invoke")}
    runtime = loaded("botocore.session, json, logging, re, traceback, uuid")
    clients = {name for name in others if name.startswith("botocore.")}
    assert others - runtime - clients == OWN_IMPORTS


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


def test_the_handler_is_found_where_there_is_boto3_alone_and_the_garbage_collector_runs() -> None:
    program = (
        "import gc\nfrom code_interpreter_invoke.handler import handler\n"
        "print(callable(handler), gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    done = subprocess.run(
        [Path(".venv-lambda/bin/python"), "-c", program],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True True True\n", done.stderr
