"""Code in a sandbox acts as the execution role of its code interpreter."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_aws import LocalAws

REGION = "eu-west-1"
LIST_BUCKETS = """
import boto3
print([bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]])
"""
SHOW_CREDENTIALS = """
import json, os, boto3
found = boto3.Session().get_credentials().get_frozen_credentials()
print(json.dumps([*found[:3], os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"]]))
"""

Run = tuple[int, str]


class Sandbox:
    """A session, and the results of what it runs."""

    def __init__(self, data: Any, session: dict[str, str]) -> None:
        self._data = data
        self._session = session

    def python(self, code: str) -> Run:
        return self._invoke("executeCode", {"code": code, "language": "python"})

    def command(self, command: str) -> Run:
        return self._invoke("executeCommand", {"command": command})

    def stop(self) -> None:
        self._data.stop_code_interpreter_session(**self._session)

    def _invoke(self, name: str, arguments: dict[str, str]) -> Run:
        response = self._data.invoke_code_interpreter(
            **self._session, name=name, arguments=arguments
        )
        [event] = response["stream"]
        output = event["result"]["structuredContent"]
        return output["exitCode"], output["stdout"] + output["stderr"]


@pytest.fixture
def sandbox(local_aws: LocalAws, account: str) -> Callable[[str], Any]:
    """Return a context manager that starts a session, as the role of a name unless it is empty."""
    control = local_aws.client("bedrock-agentcore-control", account, REGION)
    data = local_aws.client("bedrock-agentcore", account, REGION)

    @contextmanager
    def sandbox(role: str) -> Iterator[Sandbox]:
        options = {"executionRoleArn": f"arn:aws:iam::{account}:role/{role}"} if role else {}
        interpreter_id = control.create_code_interpreter(
            name=role or "none", networkConfiguration={"networkMode": "SANDBOX"}, **options
        )["codeInterpreterId"]
        deadline = time.monotonic() + 60
        while control.get_code_interpreter(codeInterpreterId=interpreter_id)["status"] != "READY":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        session = {"codeInterpreterIdentifier": interpreter_id}
        session["sessionId"] = data.start_code_interpreter_session(**session)["sessionId"]
        started = Sandbox(data, session)
        try:
            yield started
        finally:
            sessions = data.list_code_interpreter_sessions(
                codeInterpreterIdentifier=interpreter_id, status="READY"
            )
            if sessions["items"]:
                started.stop()
            control.delete_code_interpreter(codeInterpreterId=interpreter_id)

    return sandbox


@pytest.fixture
def make_role(local_aws: LocalAws, account: str) -> Callable[..., None]:
    """Return a function that makes a role with permissions on everything."""
    iam = local_aws.client("iam", account)

    def document(statement: dict[str, Any]) -> str:
        return json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
        )

    def make_role(name: str, *actions: str) -> None:
        principal = {"Service": "bedrock-agentcore.amazonaws.com"}
        trust = document({"Principal": principal, "Action": "sts:AssumeRole"})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        allowed = document({"Action": actions, "Resource": "*"})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allowed)

    return make_role


def server_log(aws: LocalAws) -> str:
    return Path(psutil.Process(aws.process_id).cwd(), "server.log").read_text()


def test_code_and_commands_act_as_the_role_until_the_session_ends(
    local_aws: LocalAws, account: str, make_role: Callable[..., None], sandbox: Any
) -> None:
    make_role("lists", "s3:ListAllMyBuckets")
    local_aws.client("s3", account).create_bucket(Bucket=f"bucket-of-{account}")
    with sandbox("lists") as lists:
        assert lists.python(LIST_BUCKETS) == (0, f"['bucket-of-{account}']")
        status, output = lists.command("aws s3 mb s3://another")
        assert "AccessDenied" in output
        assert ":assumed-role/lists/" in output
        assert status != 0
        status, output = lists.python(SHOW_CREDENTIALS)
        access_key, secret, token, endpoint = json.loads(output)
        stolen = boto3.client(
            "s3",
            endpoint_url=local_aws.endpoint,
            region_name=REGION,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )
        stolen.list_buckets()
        lists.stop()
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            stolen.list_buckets()
    assert endpoint.startswith("http://127.0.0.1:")
    principal = f"arn:aws:sts::{account}:assumed-role/lists/"
    decisions = [
        (decision["action"], decision["decision"])
        for decision in local_aws.access_decisions()
        if decision["principal"].startswith(principal)
    ]
    assert ("s3:ListAllMyBuckets", "Allow") in decisions
    assert ("s3:CreateBucket", "ImplicitDeny") in decisions
    records = server_log(local_aws) + json.dumps(
        [local_aws.access_decisions(), local_aws.agentcore.calls(), local_aws.agentcore.state()]
    )
    assert [text for text in (secret, token) if text in records] == []


def test_another_role_is_denied_in_a_sandbox_of_its_own(
    make_role: Callable[..., None], sandbox: Any
) -> None:
    make_role("lists", "s3:ListAllMyBuckets")
    make_role("nothing", "sqs:ListQueues")
    show = "echo $AWS_EC2_METADATA_SERVICE_ENDPOINT"
    with sandbox("lists") as lists, sandbox("nothing") as nothing:
        assert lists.command(show) != nothing.command(show)
        status, output = nothing.python(LIST_BUCKETS)
        assert (status, "AccessDenied" in output) == (1, True)
        assert ":assumed-role/nothing/" in output


def test_without_a_role_there_are_no_credentials(sandbox: Any) -> None:
    find = "import botocore.session; print(botocore.session.get_session().get_credentials())"
    with sandbox("") as none:
        assert none.python(find) == (0, "None")
        show = "env | grep ^AWS_ | cut -d= -f1 | sort"
        status, output = none.command(f"{show}; python -c '{find}'")
        assert (status, output.split()) == (
            0,
            ["AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "None"],
        )
