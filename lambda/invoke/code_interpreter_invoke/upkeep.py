"""The upkeep: the work that EventBridge Scheduler asks for, and no caller.

The event says nothing but that it is time. Sent by somebody else who may invoke the function, it
does what the next one of the schedule would have done.
"""

from __future__ import annotations

from typing import Any

from .clients import Bucket, CodeInterpreterClient
from .deadline import Deadline
from .sessions.store import SessionStore
from .settings import Settings

# The construct `InvokeFunction` has the same event.
EVENT = {"schedule": "upkeep"}


def is_upkeep(event: Any, settings: Settings) -> bool:
    """Tell whether an event is the schedule's; without a sweeper and a spare, there is none."""
    return event == EVENT and (settings.idle_limit_seconds > 0 or settings.warm_spare)


def keep_up(
    settings: Settings,
    bucket: Bucket,
    code_interpreter: CodeInterpreterClient,
    deadline: Deadline,
    facts: dict[str, Any],
) -> None:
    """Replenish the spare and stop idle sandboxes, the one although the other fails.

    :param facts: Takes counts and facts for the log.
    """
    try:
        if settings.warm_spare:
            from .sessions.spare import Spare  # few deployments have one

            records = settings.records_prefix
            spare = Spare(bucket, records, code_interpreter, settings.session_options)
            facts["spare"] = spare.replenish(deadline)
    finally:
        if settings.idle_limit_seconds:
            from .sessions.sweeper import Sweeper  # requests need none

            store = SessionStore(bucket, settings.records_prefix)
            swept = Sweeper(store, code_interpreter, deadline).sweep(settings.idle_limit_seconds)
            facts |= {"sandboxes_swept": swept.stopped, "sweeps_failed": swept.failed}
