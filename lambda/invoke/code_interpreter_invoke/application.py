"""The invoke function: an event in, an answer out, one log line about it."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import MutableMapping
from typing import Any

from .clients import Clients
from .deadline import Deadline
from .errors import CallError, OutcomeUnknownError
from .idempotency import RecordedCall
from .requests.callers import Caller, caller_of
from .requests.response import fit, fits, sendable
from .sessions.store import Stored
from .settings import Settings
from .tools.context import Call
from .tools.dispatch import serve

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


class InvokeFunction:
    """The function, for as long as its execution environment lives."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients
        self._cache: MutableMapping[str, Stored] = {}

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        began = time.monotonic()
        caller = caller_of(event, context)
        facts: dict[str, Any] = {
            "request_id": context.aws_request_id,
            "caller": type(caller).__name__,
        }
        try:
            answer = self._answer(caller, context, facts)
        except CallError as failure:
            answer = failure.answer()
        except Exception as bug:
            facts["failed_at"] = where(bug)
            answer = OutcomeUnknownError(
                f"the function failed unexpectedly ({facts['failed_at']}); it may have run"
            ).answer()
        log(facts, answer, time.monotonic() - began)
        return sendable(caller.envelope(answer))

    def _answer(self, caller: Caller, context: Any, facts: dict[str, Any]) -> dict[str, Any]:
        deadline = Deadline(context.get_remaining_time_in_millis() / 1000)
        request = caller.request()
        facts["tool"] = request.tool.name
        call = Call(
            request,
            settings=self._settings,
            clients=self._clients,
            deadline=deadline,
            cache=self._cache,
            fits=lambda answer: fits(answer, caller),
        )

        def run() -> dict[str, Any]:
            return fit(serve(request, call), caller, call.workspace)

        if request.idempotency_key is None:
            return run()
        return RecordedCall(request, call.bucket, deadline).answer(run)


def log(facts: dict[str, Any], answer: dict[str, Any], seconds: float) -> None:
    """One line of ids, counts and types: what a user sent or received is never logged."""
    facts |= {"status": answer["status"], "duration_ms": round(seconds * 1000)}
    shown = ("session", "session_id", "session_restarted", "replayed", "truncated")
    facts |= {name: answer[name] for name in shown if name in answer}
    if "error" in answer:
        facts["error_type"] = answer["error"]["type"]
    if "files_saved" in answer:
        facts["files_saved"] = len(answer["files_saved"])
    # As fields for Lambda's JSON log format, and as text for the other.
    logger.info(" ".join(f"{name}={value}" for name, value in facts.items()), extra=facts)


def where(bug: Exception) -> str:
    """A failure's type and place, without its message, which may hold what a user sent."""
    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return f"{type(bug).__name__} in {frame.name}, line {frame.lineno}"
