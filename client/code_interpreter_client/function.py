"""Requests to the deployed function, each of which runs at most once.

A request that may run something or write files has an idempotency key, with which the function runs
it at most once however often it arrives. So a lost response is asked for again with the same key.
Every other request, such as the stop of a session, has the same effect when it arrives twice.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .aws_errors import reason, unavailable
from .connections import READ_SECONDS
from .errors import CodeInterpreterError, FunctionUnavailable, InvalidRequest, OutcomeUnknown

Response = dict[str, Any]

# Seconds for which a request is sent again that has not begun.
RETRY_SECONDS: Final = 120.0
FIRST_PAUSE: Final = 0.5
MAX_PAUSE: Final = 10.0
# A connection that lasted for longer has reached the function.
LASTING_SECONDS: Final = 10.0
# Bytes of a synchronous request (Lambda's quota).
MAX_REQUEST_BYTES: Final = 6 * 1024 * 1024

# The tools that may run something or write files: the function takes a key for them alone.
KEYED_TOOLS: Final = frozenset(
    {
        "execute_code",
        "execute_command",
        "file_operations",
        "ci_push_to_workspace",
        "ci_pull_from_workspace",
        "workspace_write",
        "workspace_delete",
        "invoke_code_interpreter",
    }
)
# Their operations that only read. A request without a key leaves no record.
READING_OPERATIONS: Final = ("read", "list", "readFiles", "listFiles", "getTask")


class ResponseLost(Exception):
    """The request may have reached the function, but its response did not come back."""


class Function:
    """The deployed function, by its name or ARN.

    :param name: The function's name or ARN.
    :param client: A boto3 client of Lambda, made by `connections.lambda_client`.
    :param retry_seconds: For how long a request is sent again of which nothing ran. A request's own
        time limit is another bound.
    """

    def __init__(self, name: str, client: Any, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self.name = name
        self._client = client
        self._retry_seconds = retry_seconds

    def request(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        session: str | None = None,
        key: str | None = None,
    ) -> Response:
        """Send a request, and return the function's response, whatever its status is.

        :param arguments: The tool's arguments. Those that are None are left out.
        :param session: The session's name.
        :param key: The idempotency key. Default: a new one for a request that may change something.
        :raises FunctionUnavailable: if the function cannot be called
        :raises InvalidRequest: if the request is too large
        :raises OutcomeUnknown: if its response was lost for good
        """
        if key is None and takes_key(tool, arguments or {}):
            key = new_key()
        event = {"idempotency_key": key, **(arguments or {}), "tool": tool, "session": session}
        present = {name: value for name, value in event.items() if value is not None}
        # A request that has a time limit is to end then, also if it has not begun.
        limit = present.get("timeout_seconds")
        if not isinstance(limit, int | float):  # the function refuses what is no number
            limit = self._retry_seconds
        return self._send(encode(present), key, session, Patience(min(self._retry_seconds, limit)))

    def _send(
        self, payload: bytes, key: str | None, session: str | None, patience: Patience
    ) -> Response:
        """Send a request until it has a response, or until sending it again is of no use."""
        while True:
            failure: CodeInterpreterError | None = None
            response: Response = {}
            try:
                response = self._invoke(payload, key)
            except ResponseLost as error:
                patience.may_have_run = True
                failure = lost(str(error), key, session)
            except FunctionUnavailable as error:
                failure = lost(error.message, key, session) if patience.may_have_run else error
                if not error.retryable:
                    raise failure from error
            else:
                details = response.get("error", {})
                if patience.may_have_run and key and details.get("type") == "NotStarted":
                    # An earlier attempt may have run all the same.
                    failure = lost(details["message"], key, session)
                if not details.get("retryable"):
                    break
                patience.may_have_run |= details["type"] == "OutcomeUnknown"
            if not patience.wait():
                break
        if failure is not None:
            raise failure
        return response

    def _invoke(self, payload: bytes, key: str | None) -> Response:
        """Invoke the function once.

        :raises FunctionUnavailable: if nothing ran
        :raises ResponseLost: if it may have run, and a request with the same key may tell
        :raises OutcomeUnknown: if it ended outside its own code
        """
        try:
            invocation = self._client.invoke(FunctionName=self.name, Payload=payload)
        except (BotoCoreError, ClientError, OSError) as error:
            refusal = unavailable(error, f"the function {self.name}")
            raise refusal or ResponseLost(reason(error)) from error
        try:
            body = invocation["Payload"].read()
        except (BotoCoreError, OSError, ValueError) as error:
            # The number of bytes is no number if the connection broke within its header.
            raise ResponseLost(str(error)) from error
        if "FunctionError" in invocation:
            raise OutcomeUnknown(
                f"the function {self.name} ended without a response ({failure_text(body)}); the "
                "code may have run",
                idempotency_key=key,
            )
        return self._parse(body)

    def _parse(self, body: bytes) -> Response:
        """Return the response.

        :raises ResponseLost: if it is none: Python takes headers that a broken connection has cut
            off for a response without a body
        :raises FunctionUnavailable: if it is that of another kind of function
        """
        try:
            response = json.loads(body)
        except ValueError as error:
            raise ResponseLost("the connection broke") from error
        if not isinstance(response, dict) or "status" not in response:
            raise FunctionUnavailable(
                f"{self.name} is not the function of a code interpreter: its response has no "
                "status; name another function",
                "no_function",
            )
        return response


class Patience:
    """For how long a request is sent again, and the pauses between.

    A request of which nothing ran is sent again for `retry_seconds`. A request that may run is
    asked for again for as long as it can run, as long as the function can be reached.
    """

    def __init__(self, retry_seconds: float) -> None:
        self._retry_seconds = retry_seconds
        self._pause = FIRST_PAUSE
        self._began_at = self._reached_at = self._sent_at = time.monotonic()
        self.may_have_run = False

    def wait(self) -> bool:
        """Pause, and return whether to send the request again."""
        now = time.monotonic()
        if self.may_have_run and now - self._sent_at > LASTING_SECONDS:
            self._reached_at = now
            self._pause = FIRST_PAUSE
        pause = self._pause * random.uniform(0.5, 1)  # noqa: S311 - no secret depends on it
        self._pause = min(self._pause * 2, MAX_PAUSE)
        self._sent_at = now + pause
        if self._sent_at - self._reached_at > self._retry_seconds:
            return False
        if self._sent_at - self._began_at > READ_SECONDS:
            return False
        time.sleep(pause)
        return True


def takes_key(tool: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a request may change something, so that it must not run twice."""
    operation = arguments.get("operation") or arguments.get("name")
    return tool in KEYED_TOOLS and operation not in READING_OPERATIONS


def lost(reason: str, key: str | None, session: str | None) -> OutcomeUnknown:
    advice = "" if key is None else f"; ask for its result with the key {key}"
    if key is not None and session is not None:
        advice += f" in the session {session}"
    return OutcomeUnknown(
        f"the response was lost ({reason}), and the code may have run{advice}",
        idempotency_key=key,
    )


def failure_text(body: bytes) -> str:
    """Return why Lambda ended the function, such as its timeout."""
    try:
        details = json.loads(body)
        return str(details.get("errorMessage") or details["errorType"])
    except (ValueError, KeyError, AttributeError):
        return "no reason given"


def encode(event: Mapping[str, Any]) -> bytes:
    """Return the payload.

    :raises InvalidRequest: if it is larger than Lambda takes
    """
    payload = json.dumps(event).encode()
    if len(payload) > MAX_REQUEST_BYTES:
        raise InvalidRequest(
            f"the request has {len(payload)} bytes, and Lambda takes at most {MAX_REQUEST_BYTES}; "
            "upload large content as a file"
        )
    return payload


def new_key() -> str:
    """Return a new idempotency key."""
    return uuid.uuid4().hex
