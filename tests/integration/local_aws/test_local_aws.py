"""The local AWS as a process: it starts, keeps to the loopback, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING

import psutil
import pytest
from botocore.config import Config

from local_aws import LocalAws, LocalAwsError
from local_aws.local_aws import server_environment
from tests.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SETTLE_SECONDS = 20


def test_stop_leaves_no_process_and_no_directory_and_the_port_can_be_used_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with LocalAws() as aws:
        port = int(aws.endpoint.rpartition(":")[2])
        connected = aws.client("s3")
        connected.create_bucket(Bucket="a-bucket")
        assert processes_of(tmp_path)
        [directory] = tmp_path.iterdir()
        assert (directory / "state").is_dir()  # MiniStack's; otherwise it is in /tmp, and stays
    # The server has closed the connection, which the machine remembers for a while.
    with LocalAws(port=port) as again:
        assert again.endpoint == aws.endpoint
        assert again.client("s3").list_buckets()["Buckets"] == []
    connected.close()
    assert not processes_of(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_accounts_do_not_see_each_other(local_aws: LocalAws, account: str) -> None:
    local_aws.client("s3", account).create_bucket(Bucket=f"bucket-of-{account}")
    other = local_aws.client("s3", str(int(account) + 500_000_000_000))
    assert f"bucket-of-{account}" not in {b["Name"] for b in other.list_buckets()["Buckets"]}


def test_busy_port_is_refused_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=f"port {port} on 127.0.0.1 is not free.*PORT=0"):
            LocalAws(port=port).start()
        command = [sys.executable, "-m", "local_aws", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {port}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("port", "options"), [("99999", []), ("-1", []), ("x", []), ("99999", ["--env"])]
)
def test_a_text_that_is_no_port_is_refused_in_one_line(port: str, options: list[str]) -> None:
    command = [sys.executable, "-m", "local_aws", f"--port={port}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: port is {port}, but it must be 1 to 65535, or 0")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_server_that_cannot_start_reports_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ministack.py").write_text("raise ImportError('cannot import MiniStack')")

    def environment(directory: Path) -> dict[str, str]:
        return {**server_environment(directory), "PYTHONPATH": str(tmp_path)}

    monkeypatch.setattr("local_aws.local_aws.server_environment", environment)
    with pytest.raises(LocalAwsError, match=r"did not start: .*cannot import MiniStack"):
        LocalAws().start()


def test_a_server_without_its_parent_ends_and_leaves_nothing(tmp_path: Path) -> None:
    """Its parent ended before it could stop the server."""
    directory = tmp_path / "directory"
    directory.mkdir()
    command = ["-m", "local_aws.server", "--port", "0", "--directory", str(directory)]
    with subprocess.Popen(
        [sys.executable, *command, "--lambda-python", sys.executable],
        env=server_environment(directory),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.close()
        server.stdout.close()
        server.wait(30)
    assert not directory.exists()


def test_the_server_listens_on_loopback_only(local_aws: LocalAws) -> None:
    server = psutil.Process(local_aws.process_id)
    listening = [c.laddr.ip for c in server.net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:4566"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "attacker.example:4566"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/_local_aws/decisions", "/_ministack/health", "presigned"])
def test_requests_of_foreign_web_pages_are_refused(
    local_aws: LocalAws, account: str, path: str, headers: dict[str, str], status: int
) -> None:
    """A web page could sign a URL, because the root key is no secret."""
    url = f"{local_aws.endpoint}{path}"
    if path == "presigned":
        client = local_aws.client("sts", account, config=Config(signature_version="v4-query"))
        url = client.generate_presigned_url("get_caller_identity")
        headers = {**headers, "Host": headers.get("Host", local_aws.endpoint.partition("//")[2])}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
            assert response.status == status
    except urllib.error.HTTPError as refused:
        assert refused.code == status


def end(command: subprocess.Popen[str], number: signal.Signals, temporary: Path) -> str:
    """End `make local` by a signal; it leaves nothing. Return the rest of its output."""
    os.killpg(command.pid, number)
    output, _ = command.communicate(timeout=SETTLE_SECONDS)
    assert command.returncode == 0
    assert not processes_of(temporary)
    assert list(temporary.iterdir()) == []
    return output


def test_make_local_shows_requests_and_logs_of_functions_until_ctrl_c(tmp_path: Path) -> None:
    with running(tmp_path) as (command, exports):
        aws = LocalAws()
        aws.endpoint = exports["AWS_ENDPOINT_URL"]
        aws.client("s3").create_bucket(Bucket="a-bucket")
        aws.client("sqs").create_queue(QueueName="a-queue")
        aws.client("cloudformation").list_stacks()
        aws.client("bedrock-agentcore-control").list_code_interpreters()
        create_function(aws, "python3.14", "index.py", "def handler(*_): print('it ran')")
        aws.client("lambda").invoke(FunctionName="a-function", Payload='"secret"')
        url = aws.client("s3").generate_presigned_url("list_buckets")
        urllib.request.urlopen(url).close()
        assert command.stdout is not None
        lines = list(itertools.takewhile(lambda line: " GET / " not in line, command.stdout))
        output = "".join(lines) + end(command, signal.SIGINT, tmp_path)
    shown = [re.sub(r"^[0-9:]{8} | \(\d+ ms\)$", "", line) for line in output.splitlines()]
    for expected in (
        "200 s3 PUT /a-bucket",
        "200 sqs CreateQueue",
        "200 cloudformation ListStacks",
        "200 bedrock-agentcore POST /code-interpreters",
        "200 lambda POST /2015-03-31/functions/a-function/invocations",
        "a-function: it ran",
    ):
        assert expected in shown
    assert "secret" not in output
    assert "Signature" not in output


def test_quiet_shows_nothing_until_it_is_terminated(tmp_path: Path) -> None:
    with running(tmp_path, "--quiet") as (command, exports):
        aws = LocalAws()
        aws.endpoint = exports["AWS_ENDPOINT_URL"]
        aws.client("s3").create_bucket(Bucket="a-bucket")
        output = end(command, signal.SIGTERM, tmp_path)
    assert "a-bucket" not in output


def test_make_env_prints_the_variables_that_a_shell_evaluates() -> None:
    script = 'eval "$(make --silent env PORT=4577)"; echo $AWS_ENDPOINT_URL $AWS_REGION'
    command = ["bash", "-c", script]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "http://127.0.0.1:4577 us-east-1\n"
    assert done.stderr == (
        "note: no local AWS runs on port 4577: start it in another terminal, "
        "with make local PORT=4577\n"
    )


def test_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as (command, _):
        command.kill()
        command.wait()
        wait_until(lambda: not processes_of(tmp_path))
        wait_until(lambda: not list(tmp_path.iterdir()))


# Each says that it has begun, and sleeps for a minute.
FUNCTIONS = {
    "python3.14": (
        "index.py",
        "import time\ndef handler(*_):\n    open('BEGUN', 'w').close()\n    time.sleep(60)",
    ),
    "nodejs24.x": (
        "index.js",
        "exports.handler = () => { require('fs').writeFileSync('BEGUN', '');"
        " return new Promise(resolve => setTimeout(resolve, 60000)); };",
    ),
}


def test_no_function_outlives_a_killed_server(tmp_path: Path) -> None:
    with LocalAws() as aws:
        for number, (runtime, (file, code)) in enumerate(FUNCTIONS.items()):
            begun = tmp_path / str(number)
            create_function(aws, runtime, file, code.replace("BEGUN", str(begun)), str(number))
            aws.client("lambda").invoke(FunctionName=str(number), InvocationType="Event")
        wait_until(lambda: len(list(tmp_path.iterdir())) == len(FUNCTIONS))
        server = psutil.Process(aws.process_id)
        workers = server.children(recursive=True)
        server.kill()
        _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []


def create_function(
    aws: LocalAws, runtime: str, file: str, code: str, name: str = "a-function"
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(file, code)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": buffer.getvalue()},
        Timeout=120,
    )


@contextlib.contextmanager
def running(
    temporary: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the command of `make local` on a free port; yield it and the variables it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "local_aws", "--port", "0", *options],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout is not None
        exports = {}
        for line in command.stdout:
            if not line.startswith("export "):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            exports[name] = value
        yield command, exports


def processes_of(directory: Path) -> list[psutil.Process]:
    """Return the processes that work in `directory` or name it on their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(directory) in " ".join([process.cwd(), *process.cmdline()]):
                found.append(process)
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, as the children of a killed process end by themselves."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition does not hold"
        time.sleep(0.05)
