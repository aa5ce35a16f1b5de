"""The failures whose text CloudFormation shows to the user.

LifecycleError               a request cannot be carried out
├── DeadlineExceededError    the function's time is used up
└── ServiceError             AWS refused a call
"""

from __future__ import annotations


class LifecycleError(Exception):
    """A request that cannot be carried out; its text becomes the reason in the stack's events.

    `code` names the kind of failure for the log. The log never holds the text, which can repeat
    parts of the user's template. `physical_id` is the id of a code interpreter that a failed
    creation could leave behind.
    """

    def __init__(self, message: str, *, code: str, physical_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.physical_id = physical_id


class DeadlineExceededError(LifecycleError):
    """The function has to respond before Lambda ends it."""

    def __init__(self) -> None:
        super().__init__(
            "AWS did not finish within the time that the function may run", code="OutOfTime"
        )


class ServiceError(LifecycleError):
    """AWS refused a call."""

    def __init__(self, *, operation: str, code: str, message: str, request_id: str) -> None:
        one_line = " ".join(message.split())
        super().__init__(f"{operation}: {one_line} ({code}, request {request_id})", code=code)
        self.operation = operation
        self.message = message

    @property
    def is_missing(self) -> bool:
        return self.code == "ResourceNotFoundException"

    @property
    def is_conflict(self) -> bool:
        return self.code == "ConflictException"

    @property
    def is_invalid(self) -> bool:
        return self.code == "ValidationException"

    @property
    def is_denied(self) -> bool:
        return self.code == "AccessDeniedException"
