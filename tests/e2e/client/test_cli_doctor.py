"""The command `doctor` against set-ups that are broken."""

from __future__ import annotations

import io
import json
import re
import urllib.request
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from code_interpreter_client import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from code_interpreter_client import CodeInterpreter, Transfer
    from tests.e2e.client.conftest import CommandLine

DENIED = "AccessDenied.*s3:.*; check what the role of the function may do with the bucket"


@pytest.fixture
def function(interpreter: CodeInterpreter) -> str:
    return interpreter.function.name


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the files that have been deleted from the workspace by the end of the test."""
    paths: list[str] = []
    delete = Session.delete

    def record(session: Session, *given: str) -> Transfer:
        transfer = delete(session, *given)
        paths.extend(transfer.files)
        return transfer

    monkeypatch.setattr(Session, "delete", record)
    return paths


def test_a_set_up_that_works(
    code_interpreter: CommandLine, function: str, deleted: list[str]
) -> None:
    outcome = code_interpreter("doctor")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert [line.split()[:2] for line in outcome.stdout.splitlines()] == [
        ["ok", name] for name in ("credentials", "function", "permission", "program", "workspace")
    ]
    assert f"{function} of the stack CodeInterpreter" in outcome.stdout
    assert deleted == ["uploads/doctor.txt"]  # it leaves no file


def test_no_credentials(
    code_interpreter: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    expect_failure(code_interpreter("doctor"), "credentials", "no credentials.*aws configure")


@pytest.mark.parametrize(
    ("arguments", "check", "message"),
    [
        (("--region", "eu-west-1"), "function", "no stack CodeInterpreter in eu-west-1; deploy it"),
        (("--stack", "Nope"), "function", "no stack Nope in us-east-1; deploy it"),
        (("--function", "nope"), "permission", "not found.*; check the name and the region"),
        (("--profile", "nope"), "credentials", "profile.*nope.*could not be found"),
    ],
)
def test_the_wrong_place(
    code_interpreter: CommandLine, arguments: tuple[str, ...], check: str, message: str
) -> None:
    expect_failure(code_interpreter("doctor", *arguments), check, message)


def test_an_endpoint_that_is_down(
    code_interpreter: CommandLine, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    message = "Could not connect.*127.0.0.1:9.*; no local AWS runs there: start it with make local"
    expect_failure(code_interpreter("doctor"), "function", message)
    expect_failure(code_interpreter("doctor", "--function", function), "permission", message)


def test_no_permissions(
    code_interpreter: CommandLine, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = boto3.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    stack = "user/nobody is not authorized.*cloudformation:DescribeStacks.*--function"
    expect_failure(code_interpreter("doctor"), "function", stack)
    outcome = code_interpreter("doctor", "--function", function)
    expect_failure(outcome, "permission", "not authorized.*lambda:InvokeFunction.*; grant the perm")


def test_a_function_that_is_throttled(code_interpreter: CommandLine, function: str) -> None:
    client = boto3.client("lambda")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        outcome = code_interpreter("doctor")
    finally:
        client.delete_function_concurrency(FunctionName=function)
    expect_failure(outcome, "permission", "Rate Exceeded.*; try again later, or raise the concurr")


def test_a_function_without_a_tool(code_interpreter: CommandLine, function: str) -> None:
    with older_function(function, lacking="workspace_link") as name:
        outcome = code_interpreter("doctor", "--function", name)
    message = "no tool 'workspace_link'.*; the function is older than this client, so deploy it"
    expect_failure(outcome, "workspace", message)


@pytest.mark.parametrize(
    ("action", "check", "message"),
    [
        ("s3:ListBucket", "workspace", DENIED),
        ("s3:GetObject", "workspace", "refused by the storage: AccessDenied; .*the role of"),
        (
            "bedrock-agentcore:StartCodeInterpreterSession",
            "program",
            "AccessDenied.*; check the role of the function, and the code interpreter",
        ),
    ],
)
def test_a_function_whose_role_lacks_a_permission(
    code_interpreter: CommandLine, function: str, action: str, check: str, message: str
) -> None:
    with denied(function, action):
        outcome = code_interpreter("doctor")
    expect_failure(outcome, check, message)


def expect_failure(outcome: Any, check: str, message: str) -> None:
    """Check that one line names the failure, after those of what is right."""
    *passed, failed = outcome.stdout.splitlines()
    assert (outcome.exit_code, outcome.stderr) == (1, "")
    assert all(line.startswith("ok ") for line in passed)
    assert re.match(f"failed  {check} .*{message}", failed), failed


@contextmanager
def denied(function: str, action: str) -> Iterator[None]:
    """Deny an action to a function's role."""
    iam = boto3.client("iam")
    configuration = boto3.client("lambda").get_function_configuration(FunctionName=function)
    role = configuration["Role"].rpartition("/")[2]
    statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=policy)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="denied")


@contextmanager
def older_function(function: str, *, lacking: str) -> Iterator[str]:
    """Deploy the function without a tool, and yield its name."""
    client = boto3.client("lambda")
    current = client.get_function(FunctionName=function)
    with urllib.request.urlopen(current["Code"]["Location"]) as response:
        code = without_tool(response.read(), lacking)
    settings = ("Runtime", "Role", "Handler", "Environment", "Timeout", "MemorySize")
    client.create_function(
        FunctionName="older",
        Code={"ZipFile": code},
        **{name: current["Configuration"][name] for name in settings},
    )
    try:
        client.get_waiter("function_active_v2").wait(FunctionName="older")
        yield "older"
    finally:
        client.delete_function(FunctionName="older")


def without_tool(code: bytes, name: str) -> bytes:
    """Return the function's code without the definition of a tool."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(code)) as source, zipfile.ZipFile(written, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member.endswith("requests/tools.json"):
                definitions = json.loads(content)
                definitions["tools"] = [
                    tool for tool in definitions["tools"] if tool["name"] != name
                ]
                content = json.dumps(definitions).encode()
            target.writestr(member, content)
    return written.getvalue()
