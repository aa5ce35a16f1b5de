"""A file of any size costs the function no memory."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.code_interpreter_invoke.wire import Wire

MEGABYTE = 1_000_000
SIZE = 300 * MEGABYTE

PROGRAM = """
import json, resource, sys
from code_interpreter_invoke.handler import handler

class Context:
    aws_request_id = "id"
    client_context = None
    def get_remaining_time_in_millis(self):
        return 120_000

answers = [handler(event, Context()) for event in json.loads(sys.argv[1])]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"answers": answers, "peak": peak if sys.platform == "darwin" else peak * 1024}))
"""
# A process begins with the peak of the one that starts it: a shell's is small.
SHELL = ["sh", "-c", '"$0" "$@"; exit $?']


def test_a_large_file_in_and_out(wire: Wire) -> None:
    wire.put("uploads/big.bin", bytes(SIZE))
    events = [
        {
            "tool": "execute_code",
            "session": "s",
            "code": "import os; f = open('big.bin', 'r+b'); f.seek(-3, 2); f.write(b'end');"
            " f.close(); print(os.path.getsize('big.bin'))",
        },
        {"tool": "ci_push_to_workspace", "session": "s", "paths": ["big.bin"]},
    ]
    done = subprocess.run(
        [*SHELL, str(Path(".venv-lambda/bin/python")), "-c", PROGRAM, json.dumps(events)],
        env={
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            "PYTHONPATH": "lambda/invoke",
            "CODE_INTERPRETER_ID": wire.interpreter,
            "WORKSPACE_BUCKET": wire.bucket,
            "SESSION_TIMEOUT_SECONDS": "900",
        },
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    loaded, saved = found["answers"]
    assert loaded["stdout"] == str(SIZE)
    assert saved["files_saved"] == ["code-interpreter/big.bin"]
    stored = wire.s3.get_object(
        Bucket=wire.bucket, Key="workspace/s/code-interpreter/big.bin", Range="bytes=-3"
    )
    assert stored["Body"].read() == b"end"
    assert stored["ContentRange"].endswith(f"/{SIZE}")
    assert found["peak"] < 150 * MEGABYTE
