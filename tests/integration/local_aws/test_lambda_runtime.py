"""Python functions in the local AWS behave as in the managed runtime."""

from __future__ import annotations

import base64
import io
import json
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_aws import LocalAws

    Invoke = Callable[..., tuple[str | None, Any]]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture
def invoke(local_aws: LocalAws, account: str) -> Invoke:
    """Return a function that deploys and invokes code, and returns (FunctionError, payload)."""
    iam = local_aws.client("iam", account)
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps(TRUST))
    client = local_aws.client("lambda", account)

    def invoke(
        code: str,
        event: Any = None,
        *,
        files: dict[str, str] | None = None,
        variables: dict[str, str] | None = None,
        **options: Any,
    ) -> tuple[str | None, Any]:
        client.create_function(
            FunctionName="function",
            Runtime="python3.14",
            Role=role["Role"]["Arn"],
            Handler="index.handler",
            Code={"ZipFile": zip_code({"index.py": code, **(files or {})})},
            Timeout=20,
            Environment={"Variables": variables or {}},
        )
        response = client.invoke(FunctionName="function", Payload=json.dumps(event), **options)
        return response.get("FunctionError"), json.loads(response["Payload"].read())

    return invoke


def zip_code(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_a_function_can_import_boto3_and_no_package_of_the_server(invoke: Invoke) -> None:
    code = """
import importlib.util
def handler(event, context):
    return {name: importlib.util.find_spec(name) is not None for name in event}
"""
    names = ["boto3", "botocore", "ministack", "aws_cdk", "agentcore_emulator", "pytest"]
    _, seen = invoke(code, names)
    assert seen == {name: name in ("boto3", "botocore") for name in names}


def test_a_function_that_brings_the_sdk_imports_its_own(invoke: Invoke) -> None:
    code = """
import boto3
def handler(event, context): return boto3.__version__
"""
    assert invoke(code, files={"boto3/__init__.py": "__version__ = 'own'"}) == (None, "own")


def test_functions_do_not_see_the_users_environment(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "canary")
    code = "import os\ndef handler(event, context): return dict(os.environ)"
    _, environment = invoke(code)
    assert "MY_SECRET" not in environment
    assert environment["AWS_REGION"] == "us-east-1"


def test_the_function_gets_the_callers_client_context(invoke: Invoke) -> None:
    code = "def handler(event, context): return [event, context.client_context.custom]"
    sent = base64.b64encode(json.dumps({"custom": {"tool": "t"}}).encode()).decode()
    assert invoke(code, {"a": 1}, ClientContext=sent) == (None, [{"a": 1}, {"tool": "t"}])


def test_the_client_context_is_none_without_the_header(invoke: Invoke) -> None:
    code = "def handler(event, context): return context.client_context"
    assert invoke(code) == (None, None)


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        (
            "def handler(event, context): raise KeyError('a name')",
            "KeyError",
            "'a name'",
        ),
        (
            "import os\ndef handler(event, context): os._exit(3)",
            "Runtime.ExitError",
            "Runtime exited",
        ),
        (
            "import not_there",
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'not_there'",
        ),
        ("import os\nos.environ['NOT_SET']", "KeyError", "'NOT_SET'"),
        (
            "def handler(event, context)",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'index': expected ':' (index.py, line 1)",
        ),
        (
            "def handle(event, context): pass",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'index'",
        ),
        (
            "def handler(event, context): return {1}",
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON serializable",
        ),
        (
            "def handler(event, context): return 'x' * 7_000_000",
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ],
)
def test_failures_have_the_types_of_the_managed_runtime(
    invoke: Invoke, code: str, error_type: str, message: str
) -> None:
    function_error, payload = invoke(code)
    assert function_error == "Unhandled"
    assert payload["errorType"] == error_type
    assert message in payload["errorMessage"]


def test_a_function_acts_as_its_role(invoke: Invoke) -> None:
    code = """
import boto3
def handler(event, context):
    try:
        return boto3.client("s3").list_buckets()["Buckets"]
    except Exception as error:
        return error.response["Error"]["Code"]
"""
    assert invoke(code) == (None, "AccessDenied")


def test_each_environment_is_a_process_of_its_own(invoke: Invoke) -> None:
    """It finds what a new interpreter finds, whatever has started it."""
    code = """
import os, signal, sys
sys.marked = getattr(sys, "marked", 0) + 1
def handler(event, context):
    return {
        "folder": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"],
        "marked": sys.marked,
        "SIGCHLD": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "descriptors": sorted(map(int, os.listdir("/dev/fd")))[:3],
        "child": os.waitstatus_to_exitcode(os.system("exit 3")),
    }
"""
    _, seen = invoke(code)
    assert seen == {
        "folder": True,
        "marked": 1,
        "SIGCHLD": True,
        "descriptors": [0, 1, 2],
        "child": 3,
    }


def test_two_environments_share_nothing(invoke: Invoke, local_aws: LocalAws, account: str) -> None:
    code = """
import os, random, sys
def handler(event, context):
    sys.marked = getattr(sys, "marked", 0) + 1
    return [sys.marked, random.random(), os.environ.get("NAME"), os.getpid()]
"""
    client = local_aws.client("lambda", account)
    _, first = invoke(code)
    client.update_function_configuration(
        FunctionName="function", Environment={"Variables": {"NAME": "a value"}}
    )
    second = json.loads(client.invoke(FunctionName="function")["Payload"].read())
    assert (first[0], first[2]) == (1, None)
    assert (second[0], second[2]) == (1, "a value")
    assert first[1] != second[1]
    assert first[3] != second[3]


@pytest.mark.skipif(sys.platform != "linux", reason="each function has a process started anew")
def test_allocation_settings_reach_the_c_library(invoke: Invoke) -> None:
    """They are read when a process starts, so that a fork of another process is too late."""
    code = """
import os
def handler(event, context):
    with open("/proc/self/environ") as file:
        started_with = file.read().split(chr(0))
    return [name for name in started_with if name.startswith(("MALLOC_", "AWS_"))]
"""
    _, started_with = invoke(code, variables={"MALLOC_MMAP_THRESHOLD_": "1048576"})
    assert started_with == ["MALLOC_MMAP_THRESHOLD_=1048576"]
