"""The ways in which a request can fail. The response names the type, without `Error`.

RequestError
├── InvalidRequestError     refused before anything ran
├── NotStartedError         nothing ran
│   ├── DeniedError         AWS denied it, perhaps because of permissions that are too new
│   ├── SandboxGoneError    the sandbox has ended
│   ├── SetupError          the session's setup failed (`sessions.setup`)
│   ├── ThrottledError      the service refused it for now
│   └── TransferError       the sandbox refused a file
│       └── ProgramError    a program of ours failed in the sandbox
├── CodeFailedError         the code ran and failed
├── OutcomeUnknownError     it may have run
├── NotFoundError           the file, task, session or code interpreter does not exist
└── TimedOutError           the time was up
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Unpack

if TYPE_CHECKING:
    from .responses import ErrorDetail, ExceptionDetail, Response, ResponseMembers


class RequestError(Exception):
    """A request that failed. `response()` is what its caller receives."""

    type: ClassVar[str]
    retryable_by_default: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        retryable: bool | None = None,
        exception: ExceptionDetail | None = None,
        **members: Unpack[ResponseMembers],
    ) -> None:
        """Describe the failure.

        :param exception: The exception that ended the program.
        :param members: Further members of the response, for instance what was printed.
        """
        super().__init__(message)
        self.message = message
        self.retryable = self.retryable_by_default if retryable is None else retryable
        self.exception = exception
        self.members = members

    def response(self) -> Response:
        """Return the response that tells the caller."""
        detail: ErrorDetail = {
            "type": self.type,
            "message": self.message,
            "retryable": self.retryable,
        }
        if self.exception:
            detail["exception"] = self.exception
        return {"status": "error", "error": detail, **self.members}


class InvalidRequestError(RequestError):
    """Refused before anything ran; the same request will always be refused."""

    type = "InvalidRequest"


class NotStartedError(RequestError):
    """Nothing of the request ran, so it is safe to send it again."""

    type = "NotStarted"
    retryable_by_default = True


class SandboxGoneError(NotStartedError):
    """The service refused the operation because its session has ended; nothing ran."""


class DeniedError(NotStartedError):
    """AWS denied the request; nothing ran.

    It stays denied, unless the permissions are so new that IAM has not propagated them.
    """

    retryable_by_default = False


class ThrottledError(NotStartedError):
    """The service refused the request because of a rate or a quota; nothing ran."""


class TransferError(NotStartedError):
    """The sandbox refused a file, and would refuse it again."""

    retryable_by_default = False


class ProgramError(TransferError):
    """A program of the function's failed in the sandbox, and would fail again."""


class CodeFailedError(RequestError):
    """The code or command ran and failed."""

    type = "CodeFailed"


class OutcomeUnknownError(RequestError):
    """The request was sent and no result came back: it may have run."""

    type = "OutcomeUnknown"


class NotFoundError(RequestError):
    """The named file, task, session or code interpreter does not exist."""

    type = "NotFound"


class TimedOutError(RequestError):
    """The time for the request was up before its result came."""

    type = "TimedOut"


def quote(value: object) -> str:
    """Quote a value for a message, in at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
