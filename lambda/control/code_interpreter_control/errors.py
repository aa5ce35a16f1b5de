"""What can go wrong, in the words that CloudFormation shows to the user."""

from __future__ import annotations


class LifecycleError(Exception):
    """A request that cannot be carried out; its text becomes the reason in the stack's events.

    `code` names the kind of failure for the log, which never shows the text: it can repeat what
    the user wrote.
    """

    def __init__(self, message: str, *, code: str, physical_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.physical_id = physical_id


class DeadlineExceededError(LifecycleError):
    """The function must answer before Lambda ends it."""

    def __init__(self) -> None:
        super().__init__(
            "AWS was not done within the time that the function may run", code="OutOfTime"
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
