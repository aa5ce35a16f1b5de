"""Send requests to both handlers in turn, and print the CPU seconds of each request.

The arguments are the kind of request, `pass` or `file`, and the number of rounds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import naive
from context import Context

from code_interpreter_invoke.handler import handler

SESSION = "warm"
SIZE = 10_000_000


def ask(**event: object) -> None:
    response = handler({"session": SESSION, **event}, Context())
    assert response["status"] == "ok", response


def function_passes() -> None:
    ask(tool="execute_code", code="pass")


def naive_passes() -> None:
    naive.s3.list_objects_v2(Bucket=naive.BUCKET, Prefix=f"workspace/{SESSION}/uploads/")
    naive.invoke(session, "executeCode", language="python", code="pass")


def function_saves() -> None:
    ask(tool="ci_push_to_workspace", paths=["large.bin"])


def naive_saves() -> None:
    naive.save(session, "large.bin")


def cpu_seconds(action: Callable[[], None]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


session = naive.start()
code = f"with open('large.bin', 'wb') as file: file.write(bytes([255]) * {SIZE})"
ask(tool="execute_code", code=code)
naive.invoke(session, "executeCode", language="python", code=code)
sides = {
    "pass": {"function": function_passes, "naive": naive_passes},
    "file": {"function": function_saves, "naive": naive_saves},
}[sys.argv[1]]
for action in sides.values():
    action()
rounds = []
for number in range(int(sys.argv[2])):
    order = list(sides) if number % 2 else list(sides)[::-1]
    rounds.append({name: cpu_seconds(sides[name]) for name in order})
naive.stop(session)
ask(tool="stop_session")
print(json.dumps(rounds))
