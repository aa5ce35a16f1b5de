"""Starts and stops a local AWS: one process, one loopback port, nothing left behind."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import boto3

from local_aws.agentcore_client import AgentCoreClient
from local_aws.assembly import Assembly
from local_aws.interpreters import find_lambda_python
from local_aws.interrupts import put_off
from local_aws.json_requests import request_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

HOST = "127.0.0.1"
LOG = "server.log"
ACCOUNT = "000000000000"
REGION = "us-east-1"
START_TIMEOUT_SECONDS = 60
STOP_GRACE_SECONDS = 10

# What sandboxes and Lambda functions need of the machine to reach a package index over TLS.
CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
)


class AccessDecision(TypedDict):
    """One evaluation of IAM policies: the caller, its request, and the decision."""

    access_key: str
    principal: str
    action: str
    resource: str
    decision: Literal["Allow", "Deny", "ImplicitDeny"]


class LocalAwsError(Exception):
    """The local AWS could not be started; the text says why and what to do."""


class LocalAws:
    """A local AWS as a context manager.

    `port` 0 takes a free one. With `authorization` (the default) IAM policies are evaluated as
    in an account: Lambda functions act as their roles, and only the root key may do everything.
    The account is the access key itself when it has 12 digits, so two keys never see each
    other's resources.

    `lambda_python` runs Lambda functions; by default it is that of `.venv-lambda` beside this
    environment, or else one that is made of this environment's boto3 alone. `sandbox_python` runs
    the code in sandboxes and needs ipykernel; by default it is that of `.venv-sandbox` beside this
    environment, or else this environment's.

    Raises LocalAwsError when the port is taken or the server does not come up.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        authorization: bool = True,
        lambda_python: Path | None = None,
        sandbox_python: Path | None = None,
    ) -> None:
        self.port = port
        self.authorization = authorization
        self.lambda_python = lambda_python
        self.sandbox_python = sandbox_python
        self.endpoint = ""
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        refuse_busy_port(self.port)
        with ExitStack() as starting:
            with put_off():
                temporary = TemporaryDirectory(prefix="local-aws-", ignore_cleanup_errors=True)
                directory = Path(starting.enter_context(temporary))
            self._server = starting.enter_context(self._serve(directory))
            self.endpoint = wait_until_ready(self._server, directory / LOG)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """End the server, its Lambda functions and its sandboxes, and remove its directory."""
        self._running.close()

    def wait(self) -> None:
        """Return never; raise LocalAwsError when the server ends by itself."""
        code = self._server.wait()
        message = f"the local AWS ended unexpectedly with exit code {code}; start it again"
        raise LocalAwsError(message)

    @contextmanager
    def _serve(self, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "local_aws.server", "--port", str(self.port)]
        command += ["--directory", str(directory)]
        command += ["--lambda-python", str(self.lambda_python or find_lambda_python(directory))]
        if self.sandbox_python is not None:
            command += ["--sandbox-python", str(self.sandbox_python)]
        if not self.authorization:
            command.append("--no-authorization")
        with (directory / LOG).open("wb") as log, ExitStack() as running:
            with put_off():
                server = subprocess.Popen(
                    command,
                    env=server_environment(directory),
                    cwd=directory,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C reaches us alone, and we stop it in order
                )
                running.enter_context(server)
                running.callback(stop_server, server)
            yield server

    @property
    def agentcore(self) -> AgentCoreClient:
        """The AgentCore emulator: inject faults, advance its clock, read its state and calls."""
        return AgentCoreClient(self.endpoint)

    @property
    def process_id(self) -> int:
        """The id of the server's process, the parent of its Lambda functions and sandboxes."""
        return self._server.pid

    def access_decisions(self) -> list[AccessDecision]:
        """Return the last 20,000 access decisions of all services, oldest first."""
        decisions: list[AccessDecision] = request_json(
            self.endpoint, "GET", "/_local_aws/decisions"
        )
        return decisions

    def environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """The variables with which the CDK CLI, the AWS CLI or an SDK talks to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(
        self, service: str, account: str = ACCOUNT, region: str = REGION, **options: Any
    ) -> Any:
        """A boto3 client of `service`, such as "lambda", that talks to it."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=account,
            aws_secret_access_key="test",  # noqa: S106 - the root key's secret is not checked
            region_name=region,
            **options,
        )

    def deploy(
        self, assembly: str | Path, account: str = ACCOUNT, region: str = REGION
    ) -> dict[str, dict[str, str]]:
        """Create or update the stacks of a cloud assembly: what `app.synth().directory` names.

        `region` is for stacks that leave it open. Returns each stack's outputs, by its name.

        Raises DeploymentError when a stack cannot be created or updated.
        """
        return self._assembly(assembly, account, region).deploy()

    def destroy(self, assembly: str | Path, account: str = ACCOUNT, region: str = REGION) -> None:
        """Delete the stacks of a cloud assembly.

        Raises DeploymentError when a stack cannot be deleted.
        """
        self._assembly(assembly, account, region).destroy()

    def _assembly(self, directory: str | Path, account: str, region: str) -> Assembly:
        def client(service: str, where: str) -> Any:
            return self.client(service, account, where)

        return Assembly(Path(directory), account, region, client)


def refuse_busy_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = (
                f"port {port} on {HOST} is not free ({error.strerror}): end what uses it, "
                "or choose another, for example make local PORT=0 for any free one"
            )
            raise LocalAwsError(message) from None


def server_environment(directory: Path) -> dict[str, str]:
    """Lambda functions inherit it, so it carries nothing of the user's own."""
    temporary = directory / "tmp"
    temporary.mkdir()
    certificates = {name: os.environ[name] for name in CERTIFICATE_VARIABLES if name in os.environ}
    node = shutil.which("node")  # runs CDK's own Lambda functions
    programs = [Path(sys.executable).parent, *([Path(node).parent] if node else [])]
    return {
        "PATH": os.pathsep.join([*map(str, programs), "/usr/bin", "/bin"]),
        # The AWS SDK, which functions in Node find in Lambda.
        "NODE_PATH": str(Path.cwd() / "node_modules"),
        "HOME": str(directory),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        **certificates,
    }


def wait_until_ready(server: subprocess.Popen[bytes], log: Path) -> str:
    """The endpoint, which the server prints when it answers."""
    assert server.stdout is not None
    readable, _, _ = select.select([server.stdout], [], [], START_TIMEOUT_SECONDS)
    line = server.stdout.readline() if readable else b""
    if not line:
        said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        message = f"the local AWS did not start: {said[-1]}"
        raise LocalAwsError(message)
    return str(json.loads(line)["endpoint"])


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """It ends when its standard input does; a custom resource that waits is not waited for."""
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(STOP_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
