from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from agentcore_emulator.service.clock import ServiceClock


def test_runs_with_real_time() -> None:
    clock = ServiceClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    assert clock.now() < clock.now()


def test_advance_wakes_who_waits_for_a_moment_that_has_come() -> None:
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


def test_what_was_dated_before_an_advance_is_older_by_it() -> None:
    clock = ServiceClock()
    before = datetime.now(UTC) - timedelta(seconds=2)
    clock.advance(3600)
    after = datetime.now(UTC)
    assert abs(clock.elapsed_since(before) - timedelta(seconds=3602)) < timedelta(seconds=1)
    assert clock.elapsed_since(after) < timedelta(seconds=1)
