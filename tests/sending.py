"""Send requests to the invoke function as each kind of caller does."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.lambda_context import Context
from tests.fakes.world import World
from tests.response_cases import Case, agent_event, gateway_context


def invoke(world: World, event: Any, client_context: Any = None) -> dict[str, Any]:
    context = Context()
    context.client_context = client_context
    return world.function(event, context)


def send(world: World, case: Case, caller: str) -> dict[str, Any]:
    """Invoke the function as a caller does."""
    if caller == "direct":
        named = {} if case.session is None else {"session": case.session}
        return invoke(world, {"tool": case.tool, **named, **case.arguments})
    if caller == "gateway":
        return invoke(world, case.arguments, gateway_context(f"target___{case.tool}", case.session))
    parameters = [
        {
            "name": name,
            "type": "string",
            "value": value if isinstance(value, str) else json.dumps(value),
        }
        for name, value in case.arguments.items()
    ]
    return invoke(world, agent_event(case.tool, parameters, case.session))
