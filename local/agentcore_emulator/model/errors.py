"""The errors that the API names. Their HTTP statuses come from the model."""

from __future__ import annotations

from typing import Any, ClassVar


class ModelledError(Exception):
    """An error of the API model: its code, its message and its other members."""

    code: ClassVar[str]

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members: dict[str, Any] = {"message": message, **members}


class AccessDeniedError(ModelledError):
    """The caller's policies do not allow the action."""

    code = "AccessDeniedException"


class ConflictError(ModelledError):
    """The request does not fit the state of the resource."""

    code = "ConflictException"


class InternalServerError(ModelledError):
    """The service failed, not the caller."""

    code = "InternalServerException"


class ResourceNotFoundError(ModelledError):
    """The resource does not exist, no longer exists, or belongs to another owner."""

    code = "ResourceNotFoundException"


class ServiceQuotaExceededError(ModelledError):
    """A quota of the account or of the session is used up."""

    code = "ServiceQuotaExceededException"


class ThrottlingError(ModelledError):
    """Too many requests in this second."""

    code = "ThrottlingException"


class ValidationError(ModelledError):
    """The request breaks the API model or a rule of the service.

    `fields` maps the path of each refused field to its problem.
    """

    code = "ValidationException"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "FieldValidationFailed",
        fields: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason)
        if fields:
            self.members["fieldList"] = [
                {"name": name, "message": problem} for name, problem in fields.items()
            ]


ERRORS: dict[str, type[ModelledError]] = {
    error.code: error for error in ModelledError.__subclasses__()
}


def refuse_field(name: str, problem: str) -> ValidationError:
    """Return a ValidationException about a field."""
    return ValidationError(f"{name}: {problem}", fields={name: problem})
