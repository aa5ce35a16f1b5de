"""Control the AgentCore emulator of a running local AWS: its faults, its clock and its records.

    with LocalAws() as aws:
        aws.agentcore.inject_fault(
            operation="InvokeCodeInterpreter", kind="error", error="ThrottlingException"
        )
        aws.agentcore.advance_clock(900)

These are requests to the emulator's own path `/_agentcore/`, which the real service does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

from local_aws.json_requests import request_json

if TYPE_CHECKING:
    from typing import Unpack

    from agentcore_emulator.testing.faults import Kind


class FaultOptions(TypedDict, total=False):
    """One fault: the keywords of `inject_fault`, and the JSON of `POST /_agentcore/faults`."""

    kind: Required[Kind]
    """The failure: "error", "http", "reset", "hang", "slow", "stream_exception", "stream_empty",
    "stream_truncated", "stream_reset", "stream_corrupt", "create_failed", "delete_failed" or
    "role_validation"."""
    operation: str
    """The API operation that fails, such as "InvokeCodeInterpreter", or "*" for every operation.
    Kinds that belong to one operation do not need it."""
    when: Literal["before", "after"]
    """Whether the operation fails before it takes effect or after it. Default: "before"; "after"
    for kinds that change the response of an operation that ran."""
    count: int | None
    """The number of calls that fail; None for every call until `clear_faults`. Default: 1."""
    error: str
    """The error's name, for the kinds "error" and "stream_exception"."""
    message: str
    """The error's message. Default: "injected fault"."""
    status: int
    """The status code, for the kind "http": 429, 500, 503 or 504."""
    seconds: float
    """The delay in real seconds, for the kind "slow"."""
    reason: str
    """The interpreter's failure reason, for the kinds "create_failed" and "delete_failed"."""


class InterpreterState(TypedDict):
    """One code interpreter that the emulator knows."""

    account: str
    region: str
    codeInterpreterId: str
    status: str


class SessionSnapshot(TypedDict):
    """One session that the emulator knows, with the processes of its sandbox."""

    account: str
    region: str
    codeInterpreterIdentifier: str
    sessionId: str
    status: str
    callsInFlight: int
    processIds: list[int]


class EmulatorState(TypedDict):
    """The emulator's time, code interpreters and sessions, those of every account and region."""

    now: str
    """ISO 8601, with the time that `advance_clock` has added."""
    codeInterpreters: list[InterpreterState]
    sessions: list[SessionSnapshot]


class ReceivedCall(TypedDict):
    """One call that the emulator received: ids and sizes, never its content."""

    operation: str
    request_id: str
    account: str
    region: str
    request_bytes: int
    tool: str | None
    """The `name` of an InvokeCodeInterpreter, such as "executeCode"."""
    code_interpreter_id: str | None
    session_id: str | None
    took_effect: bool
    """Whether the operation was carried out, whatever the response said."""
    status: int | None
    """The response's HTTP status; None while there is no response."""
    response_bytes: int


class AgentCoreClient:
    """Requests to the emulator of the local AWS at `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def inject_fault(self, **fault: Unpack[FaultOptions]) -> None:
        """Make the next calls of an operation fail; faults are used up in the order they came.

        A fault hits the calls of every account.

        :raises ValueError: if the emulator refuses the fault; the message says what it allows.
        """
        self._request("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Remove every fault that has not been used up."""
        self._request("DELETE", "faults")

    def advance_clock(self, seconds: float) -> None:
        """Move the clock of sessions, tasks, quotas and presigned URLs forward.

        When this returns, sessions that are past their lifetime have ended.

        :raises ValueError: if `seconds` is negative or leads beyond the year 9000.
        """
        self._request("POST", "clock", {"advance_seconds": seconds})

    def state(self) -> EmulatorState:
        """Return the emulator's time, code interpreters and sessions, ended ones included."""
        state: EmulatorState = self._request("GET", "state")
        return state

    def calls(self) -> list[ReceivedCall]:
        """Return the last 10,000 calls of the AgentCore API, oldest first."""
        calls: list[ReceivedCall] = self._request("GET", "calls")["calls"]
        return calls

    def reset(self) -> None:
        """End every session; remove all code interpreters, calls and faults; reset the clock.

        The other services of the local AWS keep their resources.
        """
        self._request("POST", "reset")

    def _request(self, method: str, name: str, body: Any = None) -> Any:
        return request_json(self._endpoint, method, f"/_agentcore/{name}", body)
