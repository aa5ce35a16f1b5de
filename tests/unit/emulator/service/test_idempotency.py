from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentcore_emulator.model.errors import ConflictError, ValidationError
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.idempotency import ClientTokens
from agentcore_emulator.service.owner import Owner

OWNER = Owner("111122223333", "eu-west-1")
OTHER = Owner("444455556666", "eu-west-1")
LIFETIME = 3600


class Effect:
    """Counts how often it is carried out."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.count = 0
        self.failure = failure
        self.going_on = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        self.count += 1
        self.going_on.set()
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return {"count": self.count}


def run(
    *requests: tuple[Owner, str, dict[str, Any]], clock: ServiceClock | None = None
) -> list[Any]:
    """Return the count in each output, of requests sent in turn with the same effect."""

    async def send() -> list[Any]:
        effect = Effect()
        tokens = ClientTokens(clock or ServiceClock(), LIFETIME)
        return [await tokens.once(*request, effect) for request in requests]

    return [output["count"] for output in asyncio.run(send())]


def test_same_token_takes_effect_once() -> None:
    request = (OWNER, "Start", {"clientToken": "t", "name": "a"})
    assert run(request, request) == [1, 1]


def test_requests_without_a_token_all_take_effect() -> None:
    assert run((OWNER, "Start", {}), (OWNER, "Start", {})) == [1, 2]


def test_a_token_belongs_to_its_owner_and_operation() -> None:
    params = {"clientToken": "t"}
    assert run((OWNER, "Start", params), (OTHER, "Start", params), (OWNER, "Stop", params)) == [
        1,
        2,
        3,
    ]


def test_trace_headers_may_differ() -> None:
    params = {"clientToken": "t"}
    assert run((OWNER, "Start", params), (OWNER, "Start", {**params, "traceId": "x"})) == [1, 1]


def test_fails_when_a_token_comes_with_other_parameters() -> None:
    with pytest.raises(ValidationError) as refused:
        run(
            (OWNER, "Start", {"clientToken": "t", "name": "a"}),
            (OWNER, "Start", {"clientToken": "t", "name": "b"}),
        )
    assert refused.value.members["reason"] == "IdempotentParameterMismatchException"


def test_two_at_the_same_time_share_one_effect_even_if_the_first_caller_leaves() -> None:
    async def race() -> tuple[int, dict[str, Any]]:
        tokens, effect = ClientTokens(ServiceClock(), LIFETIME), Effect()
        request = (OWNER, "Start", {"clientToken": "t"}, effect)
        first = asyncio.ensure_future(tokens.once(*request))
        await effect.going_on.wait()
        second = asyncio.ensure_future(tokens.once(*request))
        first.cancel()
        return effect.count, await second

    assert asyncio.run(race()) == (1, {"count": 1})


def test_a_failed_request_is_forgotten() -> None:
    async def fail_then_work() -> int:
        tokens = ClientTokens(ServiceClock(), LIFETIME)
        params = {"clientToken": "t"}
        with pytest.raises(ConflictError):
            await tokens.once(OWNER, "Start", params, Effect(ConflictError("no")))
        effect = Effect()
        await tokens.once(OWNER, "Start", params, effect)
        return effect.count

    assert asyncio.run(fail_then_work()) == 1


def test_a_token_is_forgotten_after_its_lifetime() -> None:
    async def send() -> list[int]:
        clock, effect = ServiceClock(), Effect()
        tokens = ClientTokens(clock, LIFETIME)
        counts = []
        for pause in (LIFETIME - 1, 2, 0):
            output = await tokens.once(OWNER, "Start", {"clientToken": "t"}, effect)
            counts.append(output["count"])
            clock.advance(pause)
        return counts

    assert asyncio.run(send()) == [1, 1, 2]
