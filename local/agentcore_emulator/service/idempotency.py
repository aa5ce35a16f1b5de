"""Client tokens: a repeated request takes no second effect and returns the first output."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agentcore_emulator.model.errors import ValidationError
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.owner import Owner

# Members that may differ when a client sends a request again.
NOT_COMPARED = frozenset({"clientToken", "traceId", "traceParent"})


@dataclass(frozen=True)
class RememberedRequest:
    params: dict[str, Any]
    output: asyncio.Task[dict[str, Any]]
    forgotten_at: datetime


class ClientTokens:
    """Remembers the requests that took effect, for each owner and operation."""

    def __init__(self, clock: ServiceClock, lifetime_seconds: float) -> None:
        self._clock = clock
        self._lifetime = timedelta(seconds=lifetime_seconds)
        self._requests: OrderedDict[tuple[Owner, str, str], RememberedRequest] = OrderedDict()

    async def once(
        self,
        owner: Owner,
        operation: str,
        params: dict[str, Any],
        effect: Callable[[], Awaitable[dict[str, Any]]],
    ) -> dict[str, Any]:
        """Carry out the effect and return its output, or the first output if the token is known.

        Two requests at the same time share an effect. A failed request is forgotten.

        :raises ValidationError: if the token came with other parameters before.
        """
        token = params.get("clientToken")
        if token is None:
            return await effect()
        self._forget_old()
        compared = {name: value for name, value in params.items() if name not in NOT_COMPARED}
        key = (owner, operation, token)
        request = self._requests.get(key)
        if request is None:
            task = asyncio.ensure_future(run_effect(effect))
            request = RememberedRequest(compared, task, self._clock.now() + self._lifetime)
            self._requests[key] = request
            task.add_done_callback(lambda done: self._forget_failed(key, done))
        elif request.params != compared:
            raise ValidationError(
                "clientToken was used before with other parameters; use a new token",
                reason="IdempotentParameterMismatchException",
                fields={"clientToken": "used before with other parameters"},
            )
        # A caller that leaves must not cancel the effect that another caller waits for.
        return await asyncio.shield(request.output)

    def _forget_failed(
        self, key: tuple[Owner, str, str], task: asyncio.Task[dict[str, Any]]
    ) -> None:
        if task.cancelled() or task.exception() is not None:
            self._requests.pop(key, None)

    def _forget_old(self) -> None:
        now = self._clock.now()
        while self._requests:
            key, oldest = next(iter(self._requests.items()))
            if oldest.forgotten_at > now:
                return
            del self._requests[key]


async def run_effect(effect: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    return await effect()
