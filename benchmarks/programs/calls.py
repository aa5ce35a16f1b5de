"""Print the number of requests that a warm `execute_code` in a named session makes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from context import Context

from code_interpreter_invoke.handler import clients, handler

calls: Counter[str] = Counter()


def count(event_name: str, **_: Any) -> None:
    calls["s3" if event_name.split(".")[1] == "s3" else "agentcore"] += 1


def ask(**event: object) -> None:
    response = handler({"session": "calls", **event}, Context())
    assert response["status"] == "ok", response


ask(tool="execute_code", code="pass")
for client in clients:
    client.meta.events.register("before-send", count)
ask(tool="execute_code", code="pass")
found = dict(calls)
ask(tool="stop_session")
print(json.dumps(found))
