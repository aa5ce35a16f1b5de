"""Start and stop a local AWS: one process on one loopback port, which leaves nothing behind."""

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

from agentcore_emulator.certificates import certificate_variables
from local_aws.activity import EXECUTION_ENVIRONMENT
from local_aws.agentcore_client import AgentCoreClient
from local_aws.assembly import Assembly, Environment
from local_aws.errors import LocalAwsError
from local_aws.interpreters import Libraries, find_lambda_python, find_sandbox_python
from local_aws.interrupts import defer_interrupts
from local_aws.json_requests import request_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

HOST = "127.0.0.1"
MAX_PORT = 65_535
LOG = "server.log"
ACCOUNT = "000000000000"
REGION = "us-east-1"
START_TIMEOUT_SECONDS = 60
STOP_GRACE_SECONDS = 10


class AccessDecision(TypedDict):
    """One evaluation of IAM policies: the caller, its request, and the decision.

    `principal` is an ARN, or the name of a service that assumes a role. `context` has the request's
    condition keys, in lower case.
    """

    access_key: str
    principal: str
    action: str
    resource: str
    decision: Literal["Allow", "Deny", "ImplicitDeny"]
    region: str
    context: dict[str, Any]


class LocalAws:
    """A local AWS as a context manager.

    An access key of 12 digits is its own account, so tests with different keys never see each
    other's resources.

    :param port: the port on 127.0.0.1. Default: any free port.
    :param authorization: whether IAM policies are evaluated as in an account, where Lambda
        functions act as their roles and only the root key may do everything. Default: True.
    :param lambda_python: the interpreter for Lambda functions. Default: that of `.venv-lambda`
        beside this environment, or of a new environment with this environment's boto3 alone.
    :param sandbox_python: the interpreter for code in sandboxes, with ipykernel. Default: that of
        `.venv-sandbox` beside this environment, or this environment's own.
    :param libraries: "basic" leaves that interpreter as it is. "full" takes that of
        `.venv-libraries`, with all libraries of the service but the largest; in a checkout it
        installs them first, once, which takes some minutes and 3 GB. Default: "basic".
    :param emulator_settings: settings of the AgentCore emulator that differ from its defaults, by
        the names of the fields of `EmulatorSettings` and `SandboxSettings`. Default: none.
    :param show_activity: whether `wait` shows requests and what the functions log. Without
        `wait`, nobody reads them and the server stops. Default: False.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        authorization: bool = True,
        lambda_python: Path | None = None,
        sandbox_python: Path | None = None,
        libraries: Libraries = "basic",
        emulator_settings: Mapping[str, Any] | None = None,
        show_activity: bool = False,
    ) -> None:
        self.port = port
        self.authorization = authorization
        self.lambda_python = lambda_python
        self.sandbox_python = sandbox_python
        self.libraries = libraries
        self.emulator_settings = emulator_settings or {}
        self.show_activity = show_activity
        self.endpoint = ""
        self._started = ExitStack()

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
        """Start the server and wait until it serves requests.

        :raises LocalAwsError: if the port or the libraries cannot be used or the server does not
            start.
        """
        check_port_is_free(self.port)
        sandbox_python = find_sandbox_python(self.sandbox_python, self.libraries)
        with ExitStack() as starting:
            with defer_interrupts():
                temporary = TemporaryDirectory(prefix="local-aws-", ignore_cleanup_errors=True)
                directory = Path(starting.enter_context(temporary))
            self._server = starting.enter_context(self._serve(directory, sandbox_python))
            self.endpoint = read_endpoint(self._server, directory / LOG)
            self._started = starting.pop_all()

    def stop(self) -> None:
        """End the server, its Lambda functions and its sandboxes, and remove its directory."""
        self._started.close()

    def wait(self, show: Callable[[str], object]) -> None:
        """Wait for as long as the server runs, and show each line of its activity if there are any.

        :raises LocalAwsError: when the server ends by itself.
        """
        assert self._server.stdout is not None
        for line in self._server.stdout:
            show(line.decode(errors="replace"))
        code = self._server.wait()
        message = f"the local AWS ended unexpectedly with exit code {code}; start it again"
        raise LocalAwsError(message)

    @contextmanager
    def _serve(
        self, directory: Path, sandbox_python: Path | None
    ) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "local_aws.server", "--port", str(self.port)]
        command += ["--directory", str(directory)]
        command += ["--lambda-python", str(self.lambda_python or find_lambda_python(directory))]
        if sandbox_python is not None:
            command += ["--sandbox-python", str(sandbox_python)]
        if self.show_activity:
            command.append("--show-activity")
        if not self.authorization:
            command.append("--no-authorization")
        for name, value in self.emulator_settings.items():
            command += ["--set", f"{name}={json.dumps(value)}"]
        with (directory / LOG).open("wb") as log, ExitStack() as cleanup:
            with defer_interrupts():
                server = subprocess.Popen(
                    command,
                    env=server_environment(directory),
                    cwd=directory,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C reaches only this process, which then stops it
                )
                cleanup.enter_context(server)
                cleanup.callback(stop_server, server)
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
        """Return the environment variables for the CDK CLI, the AWS CLI and SDKs."""
        return environment_variables(self.endpoint, account)

    def client(
        self, service: str, account: str = ACCOUNT, region: str = REGION, **options: Any
    ) -> Any:
        """Return a boto3 client of `service`, such as "lambda", for this local AWS."""
        import boto3  # here, so that the server's start does not wait for it

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
        """Create or update the stacks of a cloud assembly, and return their outputs by name.

        :param assembly: the assembly's directory, `app.synth().directory`.
        :param account: the account of stacks that do not name their own.
        :param region: the region of stacks that do not name their own.
        :raises DeploymentError: if a stack cannot be created or updated.
        """
        return self._assembly(assembly, account, region).deploy()

    def destroy(self, assembly: str | Path, account: str = ACCOUNT, region: str = REGION) -> None:
        """Delete the stacks of a cloud assembly.

        :raises DeploymentError: if a stack cannot be deleted.
        """
        self._assembly(assembly, account, region).destroy()

    def _assembly(self, directory: str | Path, account: str, region: str) -> Assembly:
        return Assembly(Path(directory), Environment(account, region), self.client)


def environment_variables(endpoint: str, account: str = ACCOUNT) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def wrong_port(port: object) -> LocalAwsError:
    return LocalAwsError(
        f"port is {port}, but it must be 1 to {MAX_PORT}, or 0 for any free port; choose another, "
        "as in make local PORT=4566"
    )


def check_port_is_free(port: int) -> None:
    if not 0 <= port <= MAX_PORT:
        raise wrong_port(port)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = (
                f"port {port} on {HOST} is not free ({error.strerror}): end the process that uses "
                "it, or choose another port; make local PORT=0 takes any free port"
            )
            raise LocalAwsError(message) from None


def server_environment(directory: Path) -> dict[str, str]:
    """Return the server's environment, without the user's own: Lambda functions inherit it."""
    temporary = directory / "tmp"
    temporary.mkdir()
    node = shutil.which("node")  # CDK's own Lambda functions run in Node
    programs = [Path(sys.executable).parent, *([Path(node).parent] if node else [])]
    return {
        "PATH": os.pathsep.join([*map(str, programs), "/usr/bin", "/bin"]),
        "AWS_EXECUTION_ENV": EXECUTION_ENVIRONMENT,
        # Lambda's Node runtime has the AWS SDK; here functions find it in this folder.
        "NODE_PATH": str(Path.cwd() / "node_modules"),
        "HOME": str(directory),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(directory / "state"),  # MiniStack's: a key that it makes when it starts
        "LANG": "C.UTF-8",
        # MiniStack's IAM has no delay: a mistyped role is told soon, and a denial is final. A
        # creation still repeats what a test's fault refuses.
        "IAM_WAIT_SECONDS": "5",
        "IAM_PROPAGATION_SECONDS": "0",
        # The emulator creates a code interpreter in less time than AWS. A longer pause would hold
        # up each deployment, and a shorter one would only read more often.
        "FIRST_PAUSE_SECONDS": "0.3",
        **certificate_variables(),
    }


def read_endpoint(server: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the endpoint, which the server prints when it is ready, and return it."""
    assert server.stdout is not None
    readable, _, _ = select.select([server.stdout], [], [], START_TIMEOUT_SECONDS)
    line = server.stdout.readline() if readable else b""
    if not line:
        lines = log.read_text(errors="replace").strip().splitlines() or ["it printed nothing"]
        message = f"the local AWS did not start: {lines[-1]}"
        raise LocalAwsError(message)
    return str(json.loads(line)["endpoint"])


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """Close the server's standard input, which ends it, and kill it after a grace period."""
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(STOP_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
