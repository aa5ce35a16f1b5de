"""The entry point for Lambda: takes an event of CloudFormation, and sends it a response."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from . import response
from .code_interpreters import CodeInterpreters
from .errors import LifecycleError
from .event import CustomResourceRequest
from .lifecycle import Lifecycle
from .outcome import Outcome
from .polling import Clock

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


class Context(Protocol):
    """The part of Lambda's context object that the function uses."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Carry out a request of CloudFormation, and send the response.

    The log holds neither the event, which has a signed URL and the user's properties, nor the
    texts of errors, which can repeat them.
    """
    request = CustomResourceRequest.from_event(event)
    outcome = carry_out(request, clock_of(context))
    log.info(json.dumps({**request.log_fields, **outcome.log_fields}))
    response.send(request.response_url, response.render(request, outcome))


def clock_of(context: Context) -> Clock:
    return Clock(remaining=lambda: context.get_remaining_time_in_millis() / 1000)


def carry_out(request: CustomResourceRequest, clock: Clock) -> Outcome:
    """Return the outcome of a request, and raise nothing.

    Without a response the stack would wait until the resource's service timeout.
    """
    try:
        lifecycle = Lifecycle(request, code_interpreters(), clock)
        if request.type == "Delete":
            lifecycle.delete()
            return Outcome.deleted(request)
        return Outcome.settled(
            lifecycle.create() if request.type == "Create" else lifecycle.update()
        )
    except LifecycleError as error:
        return Outcome.failed(request, error)
    except Exception as error:
        return Outcome.crashed(request, error)


@cache
def code_interpreters() -> CodeInterpreters:
    return CodeInterpreters.with_bundled_models()
