"""A repeated request is answered from a record of the first one, and runs nothing.

The record is written before anything runs, so that whatever happens after it, the same key never
runs code again: the answer is then the recorded one, or that the outcome is not known.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from .clients import Bucket, PreconditionFailedError
from .deadline import Deadline
from .errors import CallError, InvalidRequestError, OutcomeUnknownError
from .requests.request import Request

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
# What is kept of the deadline when waiting for another call's answer.
LEAST_TIME = 5.0


class RecordedCall:
    """The record of one idempotency key, as one of its calls sees it."""

    def __init__(
        self,
        request: Request,
        bucket: Bucket,
        deadline: Deadline,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._key = record_key(request)
        self._fingerprint = fingerprint(request)
        self._bucket = bucket
        self._deadline = deadline
        self._now = now
        self._sleep = sleep
        self._token = str(uuid.uuid4())

    def answer(self, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `run` returns if this is the first call with its key, else the recorded answer."""
        claimed = self._claim()
        if isinstance(claimed, dict):
            return {**claimed, "replayed": True}
        answer = run()
        # Nothing ran, so that a repeated call may; every other outcome is final.
        not_started = answer.get("error", {}).get("type") in ("NotStarted", "InvalidRequest")
        state = {"state": "not_started"} if not_started else {"state": "done", "answer": answer}
        try:
            self._write(state, claimed)
        except PreconditionFailedError:
            # Nobody else writes a record of a call that runs: it was written, and the answer lost.
            return answer
        except CallError:
            warning = "the answer was not recorded: a repeated call will not know the outcome"
            return {**answer, "warnings": [*answer.get("warnings", ()), warning]}
        return answer

    def _claim(self) -> str | dict[str, Any]:
        """The ETag of the record of this call's own run, or the recorded answer."""
        pause = FIRST_PAUSE
        while True:
            found = self._bucket.get(self._key)
            record = json.loads(found.body) if found else {}
            if record.get("fingerprint", self._fingerprint) != self._fingerprint:
                raise InvalidRequestError(
                    "idempotency_key was given before to another request; use a new one"
                )
            if found and record["token"] == self._token:
                return found.etag  # written by this call, and the answer was lost
            match record.get("state", "not_started"):
                case "done":
                    answer: dict[str, Any] = record["answer"]
                    return answer
                case "running":
                    self._wait(record["until"], pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                case _:
                    until = self._now() + self._deadline.remaining()
                    try:
                        running = {"state": "running", "until": until}
                        return self._write(running, found.etag if found else None)
                    except PreconditionFailedError:
                        continue

    def _wait(self, until: float, pause: float) -> None:
        """Wait for the call that runs, as long as it can still come to an end."""
        if self._now() > until:
            raise OutcomeUnknownError(
                "the first call with this idempotency_key did not come to its end; it may have run"
            )
        if self._deadline.remaining() < pause + LEAST_TIME:
            raise OutcomeUnknownError(
                "the first call with this idempotency_key still runs; ask again with the same key",
                retryable=True,
            )
        self._sleep(pause)

    def _write(self, state: dict[str, Any], etag: str | None) -> str:
        record = {"token": self._token, "fingerprint": self._fingerprint, **state}
        return self._bucket.put(
            self._key,
            json.dumps(record).encode(),
            content_type="application/json",
            if_match=etag,
            if_absent=etag is None,
        )


def record_key(request: Request) -> str:
    """Beside the session records; no session's name has a dot."""
    named = json.dumps([request.session, request.idempotency_key])
    return f"sessions/.answers/{hashlib.sha256(named.encode()).hexdigest()}.json"


def fingerprint(request: Request) -> str:
    """Tells requests apart without keeping what they ask for."""
    asked = json.dumps([request.tool.name, request.arguments], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()
