"""The upkeep: the work that EventBridge Scheduler asks for, and no caller.

The event carries no data: another principal who may invoke the function and sends it only brings
the schedule's next run forward. The arguments of a Gateway's tool are the event, too, but the
Gateway sends a client context, and the schedule none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clients import Bucket, CodeInterpreterClient
from .deadline import Deadline
from .sessions.store import SessionStore
from .settings import Settings

if TYPE_CHECKING:
    from .sessions.sweeper import SweepCache

# The construct `InvokeFunction` has the same event.
EVENT = {"schedule": "upkeep"}


def is_upkeep(event: Any, context: Any, settings: Settings) -> bool:
    """Tell whether an event is the schedule's; without a sweeper and a spare, there is none."""
    is_on = settings.idle_limit_seconds > 0 or settings.warm_spare
    return is_on and event == EVENT and not getattr(context, "client_context", None)


def keep_up(
    settings: Settings,
    bucket: Bucket,
    code_interpreter: CodeInterpreterClient,
    deadline: Deadline,
    facts: dict[str, Any],
    cache: SweepCache,
) -> None:
    """Replenish the spare, then stop idle sandboxes, also if replenishing fails.

    :param facts: Takes counts and facts for the log.
    :param cache: The sweeper's, kept between invocations.
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
            sweeper = Sweeper(store, code_interpreter, deadline, cache)
            swept = sweeper.sweep(settings.idle_limit_seconds)
            facts |= {"sandboxes_swept": swept.stopped, "sweeps_failed": swept.failed}
