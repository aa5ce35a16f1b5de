"""The emulator's own path, which the real service does not have.

    GET    /_agentcore/state    the clock, interpreters and sessions of every owner, and the
                                process ids of running sandboxes
    POST   /_agentcore/reset    end every session, forget everything
    POST   /_agentcore/clock    {"advance_seconds": 900}: move the clock; sessions that are
                                past their lifetime have ended when the answer comes
    GET    /_agentcore/faults   the faults that are waiting
    POST   /_agentcore/faults   add one: {"operation", "kind", "when", "count", ...}, see `faults`
    DELETE /_agentcore/faults   remove them all
    GET    /_agentcore/calls    the calls received: ids and sizes only

Answers are JSON; what is not understood gets 400 with a message, and changes nothing.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from agentcore_emulator.http.exchange import Exchange, Response

if TYPE_CHECKING:
    from agentcore_emulator.http.app import Emulator


class LocalApi:
    """Answers the local-only path of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def answer(self, exchange: Exchange, body: bytes) -> Response:
        name = exchange.raw_path.removeprefix("/_agentcore/")
        try:
            match exchange.method, name:
                case "GET", "state":
                    return _json(200, self._state())
                case "POST", "reset":
                    await self._emulator.reset()
                    return _json(200, {})
                case "POST", "clock":
                    return _json(200, await self._advance(_object(body)))
                case "GET", "faults":
                    return _json(200, {"faults": self._emulator.faults.listed()})
                case "POST", "faults":
                    self._emulator.faults.add(_object(body))
                    return _json(201, {"faults": self._emulator.faults.listed()})
                case "DELETE", "faults":
                    self._emulator.faults.clear()
                    return _json(200, {"faults": []})
                case "GET", "calls":
                    return _json(200, {"calls": self._emulator.calls.listed()})
        except ValueError as error:
            return _json(400, {"message": str(error)})
        return _json(404, {"message": f"no {exchange.method} {exchange.raw_path} here"})

    async def _advance(self, given: dict[str, Any]) -> dict[str, Any]:
        seconds = given.get("advance_seconds")
        if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"advance_seconds: {seconds!r} is not a number of seconds from 0 up")
        self._emulator.clock.advance(seconds)
        await self._emulator.sessions.close_expired()
        return {"now": self._emulator.clock.now().isoformat()}

    def _state(self) -> dict[str, Any]:
        now = self._emulator.clock.now()
        return {
            "now": now.isoformat(),
            "codeInterpreters": [
                {
                    "account": interpreter.owner.account,
                    "region": interpreter.owner.region,
                    "codeInterpreterId": interpreter.id,
                    "status": interpreter.status(now),
                }
                for interpreter in self._emulator.interpreters.all()
            ],
            "sessions": [
                {
                    "account": session.owner.account,
                    "region": session.owner.region,
                    "codeInterpreterIdentifier": session.interpreter_id,
                    "sessionId": session.id,
                    "status": session.status(now),
                    "callsInFlight": session.in_flight,
                    "processIds": session.process_ids(),
                }
                for session in self._emulator.sessions.all()
            ],
        }


def _object(body: bytes) -> dict[str, Any]:
    document = json.loads(body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")
    return document


def _json(status: int, document: dict[str, Any]) -> Response:
    return Response(status, json.dumps(document).encode(), {"content-type": "application/json"})
