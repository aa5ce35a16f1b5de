from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from agentcore_emulator.service.clock import ServiceClock

# Between two clocks of the machine.
TOLERANCE = timedelta(seconds=0.5)


def test_runs_with_real_time() -> None:
    before = datetime.now(UTC)
    clock = ServiceClock()
    assert before - TOLERANCE <= clock.now() <= datetime.now(UTC) + TOLERANCE
    assert clock.now() < clock.now()


def test_an_advance_wakes_tasks_whose_moment_has_come() -> None:
    async def wait() -> tuple[bool, bool]:
        clock = ServiceClock()
        waiting = asyncio.ensure_future(clock.wait_until(clock.now() + timedelta(hours=2)))
        await asyncio.sleep(0)
        clock.advance(3600)
        await asyncio.sleep(0.01)
        early = waiting.done()
        clock.advance(3600)
        await asyncio.wait_for(waiting, timeout=5)
        return early, waiting.done()

    assert asyncio.run(wait()) == (False, True)


def test_a_moment_comes_in_real_time_too() -> None:
    async def wait() -> timedelta:
        clock = ServiceClock()
        moment = clock.now() + timedelta(milliseconds=20)
        await asyncio.wait_for(clock.wait_until(moment), timeout=5)
        return clock.now() - moment

    assert asyncio.run(wait()) >= timedelta(0)


def test_an_advance_ages_earlier_moments_alone() -> None:
    clock = ServiceClock()
    before = datetime.now(UTC) - timedelta(seconds=2)
    clock.advance(3600)
    after = datetime.now(UTC)
    advance = timedelta(hours=1)
    for moment, added in ((before, advance), (after, timedelta(0))):
        elapsed = clock.elapsed_since(moment)
        assert timedelta(0) - TOLERANCE <= elapsed - added
        assert elapsed - added <= datetime.now(UTC) - moment + TOLERANCE
