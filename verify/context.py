"""The account in which the experiments run, and the ways to make things there."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError

from code_interpreter_client import CodeInterpreter
from code_interpreter_client.stack import boto3_session
from local_aws.agentcore_client import AgentCoreClient
from verify import removal
from verify.deployments import Deployments
from verify.experiment import NotTriedError
from verify.ledger import LEDGER, Ledger, Made
from verify.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from code_interpreter_client import Session

T = TypeVar("T")

# AgentCore ends a request after 15 minutes.
READ_SECONDS = 920
# A policy took 322 s to act in a published report.
IAM_SECONDS = 400
LOCAL_IAM_SECONDS = 5
SANDBOX_SECONDS = 1800
# The construct's default, which the stacks of the experiments have.
OWN_PREFIX = "workspace"
READY_SECONDS = 120
POLL_SECONDS = 0.1
# Times of long programs are divided by this on the local AWS.
LOCAL_SPEED = 200


class Context:
    """One run in one account.

    :param stack: The name of the deployed stack.
    :param run: The run's id, of letters and digits, which is in the name of all that the run makes.
    :param folder: The run's own folder, with the ledger and the stacks.
    :ivar local: The emulator, if the account is the local AWS.
    """

    def __init__(self, stack: str, run: str, folder: Path) -> None:
        self.stack = stack
        self.run = run
        self.folder = folder
        self.ledger = Ledger(folder / LEDGER)
        self.deployments = Deployments(self)
        self.session = boto3_session()
        self.region = str(self.session.region_name)
        self.local = find_local_aws()
        self._numbers = itertools.count(1)

    # The deployed stack.

    @cached_property
    def interpreter(self) -> CodeInterpreter:
        """The client of the deployed function.

        :raises FunctionUnavailable: if there is no such stack
        """
        return CodeInterpreter.from_stack(self.stack, boto3_session=self.session)

    @cached_property
    def outputs(self) -> dict[str, str]:
        stacks = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}

    @property
    def interpreter_id(self) -> str:
        return self.outputs["CodeInterpreterId"]

    @property
    def bucket(self) -> str:
        return self.outputs["WorkspaceBucketName"]

    @cached_property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @cached_property
    def function(self) -> dict[str, Any]:
        """The configuration of the deployed function."""
        name = self.outputs["InvokeFunctionName"]
        configuration: dict[str, Any] = self.client("lambda").get_function_configuration(
            FunctionName=name
        )
        return configuration

    @property
    def prefix(self) -> str:
        """The prefix of the sessions' files in the bucket."""
        return str(self.function["Environment"]["Variables"]["WORKSPACE_PREFIX"])

    @cached_property
    def network_mode(self) -> str:
        found = self.control.get_code_interpreter(codeInterpreterId=self.interpreter_id)
        return str(found["networkConfiguration"]["networkMode"])

    # Clients.

    def client(self, service: str, **options: Any) -> Any:
        return self.session.client(service, **options)

    @cached_property
    def control(self) -> Any:
        return self.client("bedrock-agentcore-control")

    @cached_property
    def data(self) -> Any:
        return self.data_client(READ_SECONDS)

    def data_client(self, read_seconds: float) -> Any:
        """Return a client that never sends a call twice, and has connections for many threads."""
        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=read_seconds,
            max_pool_connections=20,
            tcp_keepalive=True,
        )
        return self.client("bedrock-agentcore", config=config)

    def client_as(self, role_arn: str, service: str) -> Any:
        """Return a client with the credentials of a role, as soon as IAM knows the role."""
        sts = self.client("sts")

        def assumed() -> Any:
            try:
                return sts.assume_role(RoleArn=role_arn, RoleSessionName=f"verify-{self.run}")
            except ClientError as error:
                if error_code(error) != "AccessDenied":
                    raise
                return None

        response = self.wait_for_iam(assumed, f"{role_arn} could not be assumed")
        credentials = response["Credentials"]
        return self.client(
            service,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def bucket_client(self) -> Any:
        """Return a client whose signed URLs name the region, and need no checksum.

        A sandbox without a network reaches the region's own endpoint of Amazon S3 alone.
        """
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return self.client("s3", config=config)

    # Names and times.

    @property
    def name_prefix(self) -> str:
        """The beginning of the names that the run gives."""
        return f"verify_{self.run}_"

    def new_name(self) -> str:
        """Return a name of this run, which sessions and code interpreters can have."""
        return f"{self.name_prefix}{next(self._numbers)}"

    @property
    def iam_seconds(self) -> float:
        """The time that IAM may take to know a new role or policy."""
        return LOCAL_IAM_SECONDS if self.local else IAM_SECONDS

    def scaled(self, seconds: float) -> float:
        """Return the time of a long program, which is shorter on the local AWS."""
        return seconds / LOCAL_SPEED if self.local else seconds

    def pass_time(self, seconds: float) -> None:
        """Wait, or advance the local AWS's clock."""
        if self.local:
            self.local.advance_clock(seconds)
        else:
            time.sleep(seconds)

    def wait_for_iam(
        self, found: Callable[[], T | None], failure: str, *, pause: float | None = None
    ) -> T:
        """Call `found` until it returns something, for as long as IAM may take.

        :raises NotTriedError: with `failure`, if it returns nothing in that time.
        """
        return wait(found, self.iam_seconds, failure, pause=None if self.local else pause)

    # Sandboxes, sessions and code interpreters.

    @cached_property
    def sandbox(self) -> Sandbox:
        """A sandbox for experiments that leave nothing in it but files of their own."""
        return self._start(Made("session", self.new_name(), self.interpreter_id))

    @contextmanager
    def new_sandbox(self, interpreter_id: str | None = None, **options: Any) -> Iterator[Sandbox]:
        """Start a sandbox for one experiment, and stop it at the end."""
        made = Made("session", self.new_name(), interpreter_id or self.interpreter_id)
        sandbox = self._start(made, **options)
        yield sandbox
        self.stop(sandbox)
        self.ledger.forget(made)

    def _start(self, made: Made, **options: Any) -> Sandbox:
        self.ledger.record(made)
        started = self.data.start_code_interpreter_session(
            codeInterpreterIdentifier=made.place,
            name=made.name,
            **{"sessionTimeoutSeconds": SANDBOX_SECONDS, **options},
        )
        return Sandbox(self.data, made.place, started["sessionId"])

    def stop(self, sandbox: Sandbox) -> None:
        """Stop a sandbox, unless it has ended already."""
        with suppress(self.data.exceptions.ResourceNotFoundException):
            self.data.stop_code_interpreter_session(
                codeInterpreterIdentifier=sandbox.interpreter_id, sessionId=sandbox.session_id
            )

    @contextmanager
    def named_session(
        self, interpreter: CodeInterpreter | None = None, bucket: str | None = None
    ) -> Iterator[Session]:
        """Return a session of the function, and remove its sandbox and its files at the end.

        :param interpreter: Default: that of the deployed stack.
        :param bucket: The bucket of another stack's code interpreter.
        """
        name = self.new_name()
        prefix = OWN_PREFIX if bucket else self.prefix
        interpreter = interpreter or self.interpreter
        made = [
            Made("objects", f"{prefix}/{name}/", bucket or self.bucket),
            Made("named session", name, interpreter.function.name),
        ]
        for thing in made:
            self.ledger.record(thing)
        yield interpreter.session(name)
        for thing in reversed(made):
            self.remove(thing)

    @contextmanager
    def new_interpreter(self, *, ready: bool = True, **options: Any) -> Iterator[str]:
        """Create a code interpreter, yield its id, and delete it at the end."""
        made = Made("code interpreter", options.pop("name", None) or self.new_name())
        self.ledger.record(made)
        created = self.control.create_code_interpreter(
            **{"networkConfiguration": {"networkMode": "SANDBOX"}, **options}, name=made.name
        )
        interpreter_id = created["codeInterpreterId"]
        if ready:
            self.wait_until_ready(interpreter_id)
        yield interpreter_id
        self.remove(made)

    def status(self, interpreter_id: str) -> str:
        found = self.control.get_code_interpreter(codeInterpreterId=interpreter_id)
        return str(found["status"])

    def wait_until_ready(self, interpreter_id: str) -> None:
        """Wait until a code interpreter is no longer CREATING.

        :raises NotTriedError: if it does not become READY.
        """

        def settled() -> str | None:
            status = self.status(interpreter_id)
            return None if status == "CREATING" else status

        status = wait(settled, READY_SECONDS, f"{interpreter_id} stayed CREATING")
        if status != "READY":
            raise NotTriedError(f"{interpreter_id} became {status}")

    def remove(self, made: Made) -> None:
        """Remove a thing, and forget it.

        :raises RemovalError: if it cannot be removed; the ledger keeps it.
        """
        removal.remove(self, made)
        self.ledger.forget(made)


def wait(
    found: Callable[[], T | None], seconds: float, failure: str, *, pause: float | None = None
) -> T:
    """Call `found` until it returns something.

    :param pause: The seconds between two calls. Default: few, for a short time.
    :raises NotTriedError: with `failure`, if it returns nothing in that time.
    """
    ends_at = time.monotonic() + seconds
    while True:
        result = found()
        if result is not None:
            return result
        if time.monotonic() > ends_at:
            raise NotTriedError(f"{failure} within {seconds:g} s")
        time.sleep(pause or (POLL_SECONDS if seconds < 10 else POLL_SECONDS * 10))


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def error_of(call: Callable[[], object]) -> str | None:
    """Return the error code of a call that fails, or None."""
    try:
        call()
    except ClientError as error:
        return error_code(error)
    return None


def find_local_aws() -> AgentCoreClient | None:
    """Return the emulator of the local AWS, if the environment names a local AWS."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint or urlsplit(endpoint).hostname not in ("127.0.0.1", "localhost"):
        return None
    return AgentCoreClient(endpoint)


def new_run() -> str:
    """Return the id of a run: the date, and four random hexadecimal digits."""
    return f"{datetime.now(UTC):%Y%m%d}x{secrets.token_hex(2)}"
