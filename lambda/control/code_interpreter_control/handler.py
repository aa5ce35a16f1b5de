"""Where Lambda enters: one event of CloudFormation in, one answer to CloudFormation out."""

from __future__ import annotations

import json
import logging
import traceback
from functools import cache
from typing import Any, Protocol

from . import response as answer
from .code_interpreters import CodeInterpreters
from .errors import LifecycleError
from .event import Request
from .lifecycle import Lifecycle
from .polling import Clock

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


class Context(Protocol):
    """What is used of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: dict[str, Any], context: Context) -> None:
    """Carry out a request of CloudFormation and answer it.

    The event holds a signed URL and whatever the user wrote into the template, so neither it nor
    the text of an error is logged.
    """
    request = Request.from_event(event)
    content = carry_out(request, clock_of(context))
    answer.send(request.response_url, content)


def clock_of(context: Context) -> Clock:
    return Clock(remaining=lambda: context.get_remaining_time_in_millis() / 1000)


def carry_out(request: Request, clock: Clock) -> bytes:
    try:
        lifecycle = Lifecycle(request, code_interpreters(), clock)
        if request.type == "Delete":
            lifecycle.delete()
            log_outcome(request, outcome="deleted", id=request.physical_id)
            return answer.body(request, physical_id=request.physical_id)
        current = lifecycle.create() if request.type == "Create" else lifecycle.update()
    except LifecycleError as failure:
        physical_id = physical_id_after_failure(request, failure.physical_id)
        log_outcome(request, outcome="failed", id=physical_id, code=failure.code)
        return answer.body(request, physical_id=physical_id, reason=str(failure))
    except Exception as error:
        # An answer must reach CloudFormation, or the stack waits for the service timeout.
        frames = traceback.format_tb(error.__traceback__)
        code = type(error).__name__
        log_outcome(request, outcome="failed", id=request.physical_id, code=code, frames=frames)
        reason = f"the code interpreter's handler failed with {code}; its log has the details"
        return answer.body(request, physical_id=request.physical_id, reason=reason)
    log_outcome(request, outcome="settled", id=current["codeInterpreterId"])
    return answer.body(
        request,
        physical_id=current["codeInterpreterId"],
        data={
            "CodeInterpreterId": current["codeInterpreterId"],
            "CodeInterpreterArn": current["codeInterpreterArn"],
            "Name": current["name"],
            "Status": current["status"],
            "CreatedAt": current["createdAt"].isoformat(),
        },
    )


def physical_id_after_failure(request: Request, created: str | None) -> str:
    """A failed update keeps the old id; a failed creation has the id of what it left, if any."""
    return created if created is not None and request.type == "Create" else request.physical_id


def log_outcome(request: Request, **fields: Any) -> None:
    log.info(
        json.dumps(
            {
                "request": request.type,
                "requestId": request.request_id,
                "resource": request.logical_id,
                **fields,
            }
        )
    )


@cache
def code_interpreters() -> CodeInterpreters:
    return CodeInterpreters.of_runtime()
