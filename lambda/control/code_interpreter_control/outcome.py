"""The outcome of a request, which goes to the log and to CloudFormation."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .code_interpreters import CodeInterpreter
from .errors import LifecycleError
from .event import CustomResourceRequest


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request: a success, or a failure with a reason.

    `code` and `frames` describe a failure in the log. The reason goes to CloudFormation only,
    since it can repeat parts of the user's template.
    """

    name: str
    physical_id: str
    data: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    code: str | None = None
    frames: Sequence[str] = ()

    @classmethod
    def settled(cls, interpreter: CodeInterpreter) -> Outcome:
        """Return the outcome of a creation or an update."""
        data = {
            "CodeInterpreterId": interpreter.id,
            "CodeInterpreterArn": interpreter.arn,
            "Name": interpreter.name,
            "Status": interpreter.status.value,
            "CreatedAt": interpreter.created_at.isoformat(),
        }
        return cls("settled", interpreter.id, data)

    @classmethod
    def deleted(cls, request: CustomResourceRequest) -> Outcome:
        return cls("deleted", request.physical_id)

    @classmethod
    def failed(cls, request: CustomResourceRequest, error: LifecycleError) -> Outcome:
        """Return the outcome of a request that cannot be carried out.

        A failed update keeps the id of the code interpreter that is in use. A failed creation
        reports the id of the code interpreter that it left, so that CloudFormation deletes it.
        """
        created_id = error.physical_id if request.type == "Create" else None
        physical_id = created_id or request.physical_id
        return cls("failed", physical_id, reason=str(error), code=error.code)

    @classmethod
    def crashed(cls, request: CustomResourceRequest, error: Exception) -> Outcome:
        """Return the outcome of a request that met a defect in the function."""
        code = type(error).__name__
        return cls(
            "failed",
            request.physical_id,
            reason=f"the code interpreter's handler failed with {code}; its log has the details",
            code=code,
            frames=traceback.format_tb(error.__traceback__),
        )

    @property
    def log_fields(self) -> dict[str, object]:
        """Return the fields for the log, which hold nothing that the user wrote."""
        fields = {
            "outcome": self.name,
            "id": self.physical_id,
            "code": self.code,
            "frames": self.frames,
        }
        return {name: value for name, value in fields.items() if value}
