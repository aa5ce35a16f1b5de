"""The emulator's own path, which the real service does not have.

    GET    /_agentcore/state    the clock, interpreters and sessions of every owner, and the
                                process ids of running sandboxes
    POST   /_agentcore/reset    end every session, forget everything
    POST   /_agentcore/clock    {"advance_seconds": 900}: move the clock; sessions that are
                                past their lifetime have ended when the response comes
    GET    /_agentcore/faults   the faults that are waiting
    POST   /_agentcore/faults   add one: {"operation", "kind", "when", "count", ...}, see `faults`
    DELETE /_agentcore/faults   remove them all
    GET    /_agentcore/calls    the requests received: ids and sizes only

Responses are JSON. A request that makes no sense gets 400 with a message, and changes nothing.
"""

from __future__ import annotations

import json
from typing import Any

from agentcore_emulator.http.exchange import Exchange, HttpResponse
from agentcore_emulator.service.state import ServiceState
from agentcore_emulator.testing.faults import Faults
from agentcore_emulator.testing.received import ReceivedRequests

ADMIN_PATH = "/_agentcore/"


class AdminApi:
    """Shows and changes the state of one emulator."""

    def __init__(self, state: ServiceState, faults: Faults, received: ReceivedRequests) -> None:
        self._state = state
        self._faults = faults
        self._received = received

    async def respond(self, exchange: Exchange, body: bytes) -> HttpResponse:
        try:
            match exchange.method, exchange.raw_path.removeprefix(ADMIN_PATH):
                case "GET", "state":
                    return json_response(200, self._describe_state())
                case "POST", "reset":
                    await self.reset()
                    return json_response(200, {})
                case "POST", "clock":
                    return json_response(200, await self._advance(parse_object(body)))
                case "GET", "faults":
                    return json_response(200, {"faults": self._faults.as_dicts()})
                case "POST", "faults":
                    self._faults.add(parse_object(body))
                    return json_response(201, {"faults": self._faults.as_dicts()})
                case "DELETE", "faults":
                    self._faults.clear()
                    return json_response(200, {"faults": []})
                case "GET", "calls":
                    return json_response(200, {"calls": self._received.as_dicts()})
        except ValueError as error:
            return json_response(400, {"message": str(error)})
        return json_response(404, {"message": f"no {exchange.method} {exchange.raw_path} here"})

    async def reset(self) -> None:
        """End every session and forget everything, faults and the clock's advance included."""
        await self._state.reset()
        self._faults.clear()
        self._received.clear()

    async def _advance(self, document: dict[str, Any]) -> dict[str, Any]:
        seconds = document.get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ValueError(f"advance_seconds: {seconds!r} is not a number of seconds")
        self._state.clock.advance(seconds)
        await self._state.data_plane.close_expired()
        return {"now": self._state.clock.now().isoformat()}

    def _describe_state(self) -> dict[str, Any]:
        now = self._state.clock.now()
        return {
            "now": now.isoformat(),
            "codeInterpreters": [
                {
                    "account": interpreter.owner.account,
                    "region": interpreter.owner.region,
                    "codeInterpreterId": interpreter.id,
                    "status": interpreter.status(now),
                }
                for interpreter in self._state.control_plane.all()
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
                for session in self._state.data_plane.all()
            ],
        }


def parse_object(body: bytes) -> dict[str, Any]:
    document = json.loads(body or b"{}")
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")
    return document


def json_response(status: int, document: dict[str, Any]) -> HttpResponse:
    return HttpResponse(status, json.dumps(document).encode(), {"content-type": "application/json"})
