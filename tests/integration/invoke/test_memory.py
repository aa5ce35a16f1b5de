"""The function's memory is enough for files of any size and for the largest result."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.invoke.wire import Wire

MEGABYTE = 1_000_000

PROGRAM = """
import json, resource, sys
from code_interpreter_invoke.clients import Bucket
from code_interpreter_invoke.handler import handler

class Context:
    aws_request_id = "id"
    client_context = None
    def get_remaining_time_in_millis(self):
        return 120_000

events = json.loads(sys.argv[1])
if sys.argv[2] == "unreachable":
    # No server listens there, as if the sandbox could not reach S3.
    Bucket.presigned_get = Bucket.presigned_put = lambda *_: "http://127.0.0.1:9/"
responses = [handler(event, Context()) for event in events]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"responses": responses, "peak": peak * unit}))
"""
# A process inherits the peak of its parent: a shell's is small.
SHELL = ["sh", "-c", '"$0" "$@"; exit $?']


def responses(
    wire: Wire, *events: dict[str, Any], memory: int, s3: str = "reachable"
) -> list[dict[str, Any]]:
    """Run the function in a process of its own, and return its responses to the events.

    :param memory: The most bytes that the process may take, of which Python and the function are
        40 million.
    """
    done = subprocess.run(
        [*SHELL, str(Path(".venv-lambda/bin/python")), "-c", PROGRAM, json.dumps(events), s3],
        env={
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            "PYTHONPATH": "lambda/invoke",
            "CODE_INTERPRETER_ID": wire.interpreter,
            "WORKSPACE_BUCKET": wire.bucket,
            "RECORDS_PREFIX": wire.settings.records_prefix,
            "SESSION_TIMEOUT_SECONDS": "900",
            # As the construct sets it.
            "MALLOC_MMAP_THRESHOLD_": "1048576",
        },
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert found["peak"] < memory
    return list(found["responses"])


# The function has 256 MiB, of which the runtime takes some.
LIMIT = 150 * MEGABYTE


@pytest.mark.parametrize(
    ("size", "memory", "s3"),
    [
        (20 * MEGABYTE, 55 * MEGABYTE, "reachable"),
        pytest.param(120 * MEGABYTE, 55 * MEGABYTE, "reachable", marks=pytest.mark.slow),
        pytest.param(40 * MEGABYTE, LIMIT, "unreachable", marks=pytest.mark.slow),
    ],
)
def test_a_large_file_in_and_out(wire: Wire, size: int, memory: int, s3: str) -> None:
    wire.put("uploads/big.bin", bytes(size))
    change = "import os; f = open('big.bin', 'r+b'); f.seek(-3, 2); f.write(b'end'); f.close()"
    loaded, saved = responses(
        wire,
        {
            "tool": "execute_code",
            "session": "s",
            "code": f"{change}; print(os.path.getsize('big.bin'))",
        },
        {"tool": "ci_push_to_workspace", "session": "s", "paths": ["big.bin"]},
        memory=memory,
        s3=s3,
    )
    assert loaded["stdout"] == str(size), loaded
    assert saved["files_saved"] == ["code-interpreter/big.bin"], saved
    stored = wire.s3.get_object(
        Bucket=wire.bucket, Key="workspace/s/code-interpreter/big.bin", Range="bytes=-3"
    )
    assert stored["Body"].read() == b"end"
    assert stored["ContentRange"].endswith(f"/{size}")


# The service's events have at most 24 MiB, of which base64 makes 4 bytes of 3.
BINARY = 17 * MEGABYTE
TEXT = 23 * MEGABYTE


@pytest.mark.parametrize(
    ("byte", "size", "memory"),
    [
        (r"\xff", 5 * MEGABYTE, 70 * MEGABYTE),
        pytest.param(r"\xff", BINARY, LIMIT, marks=pytest.mark.slow),
        pytest.param("x", TEXT, LIMIT, marks=pytest.mark.slow),
    ],
)
def test_a_large_result(wire: Wire, byte: str, size: int, memory: int) -> None:
    create = f"open('large', 'wb').write(b'{byte}' * {size}); None"
    wire.ok("execute_code", session="s", code=create)
    [read] = responses(
        wire,
        {"tool": "file_operations", "session": "s", "operation": "read", "paths": ["large"]},
        memory=memory,
    )
    assert (read["status"], read["truncated"]) == ("ok", True)
    assert read["files"][0]["size"] == size
