from __future__ import annotations

import pytest

from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.sessions.lease import (
    LEASE_SECONDS,
    SLOWEST_TRANSFER,
    PreparationLease,
)
from code_interpreter_invoke.sessions.store import SessionRecord
from tests.fakes.clock import Clock
from tests.fakes.world import World

from .sessions import Sessions


@pytest.mark.parametrize(
    ("age", "transfer", "left"),
    [
        (0, 10, LEASE_SECONDS),  # it lasts long enough
        (40, 0, LEASE_SECONDS),  # it is old
        (0, 300, LEASE_SECONDS + 300),  # the transfer may take long
        (0, 5_000, 900),  # the function ends before
    ],
)
def test_a_lease_lasts_as_long_as_a_transfer_may(
    world: World, clock: Clock, age: float, transfer: float, left: float
) -> None:
    sessions = Sessions(world, clock)
    deadline = Deadline(900, now=clock.now)
    record = SessionRecord(client_token="t")
    lease = PreparationLease("s", sessions.store, None, record, deadline=deadline, now=clock.now)
    clock.seconds += age
    lease.extend(int(transfer * SLOWEST_TRANSFER))
    assert sessions.record().lease_expires_at - clock.now() == pytest.approx(left)
