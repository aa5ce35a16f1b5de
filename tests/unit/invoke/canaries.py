"""Requests full of a word that must never be seen in a log."""

from __future__ import annotations

from typing import Any

import pytest

CANARY = "CANARY-5f1d"
# A message of a service or a library that holds a user's data.
MESSAGE = f"{CANARY} https://bucket/{CANARY}?X-Amz-Signature={CANARY}"

# A fake sandbox's folder is `here`.
WRITE = (
    "from pathlib import Path; "
    f"(globals().get('here') or Path()).joinpath('{CANARY}').write_text('{CANARY}')"
)

EVENTS: list[dict[str, Any]] = [
    {"tool": "execute_code", "code": f"print('{CANARY}')"},
    {"tool": "execute_code", "code": f"raise ValueError('{CANARY}')"},
    # The observer in the kernel reports these: results, files, exceptions with notes and members.
    {"tool": "execute_code", "code": f"'{CANARY}'"},
    {"tool": "execute_code", "code": f"print('{CANARY}'); {{'{CANARY}': 1}}", "save_figures": True},
    {
        "tool": "execute_code",
        "code": f"error = KeyError('{CANARY}'); error.add_note('{CANARY}')\n"
        f"raise ExceptionGroup('{CANARY}', [error])",
    },
    {"tool": "interrupt", "idempotency_key": CANARY},
    {"tool": "read_output", "idempotency_key": CANARY},
    {"tool": "start_session", "setup": f"echo {CANARY}; exit 1", "env": {"A": CANARY}},
    {"tool": "start_session", "env": {f"{CANARY}=": CANARY}},
    {"tool": "execute_code", "code": "x = 1", "output_filename": f"{CANARY}.txt"},
    {"tool": "execute_code", "code": WRITE, "output_filename": CANARY},
    {"tool": "execute_code", "code": "x = 1", "language": CANARY},
    {"tool": "execute_code", "code": "x = 1", CANARY: 1},
    {"tool": CANARY},
    {"tool": "execute_command", "command": f"echo {CANARY}; exit 1"},
    {"tool": "execute_command", "command": f"sleep 9 # {CANARY}", "timeout_seconds": 1},
    {"tool": "file_operations", "operation": "read", "paths": [CANARY]},
    {
        "tool": "file_operations",
        "operation": "write",
        "content": [{"path": CANARY, "text": CANARY}],
    },
    {"tool": "ci_push_to_workspace"},
    {"tool": "ci_push_to_workspace", "paths": [CANARY, f"{CANARY}-missing"]},
    {"tool": "workspace_write", "path": f"uploads/{CANARY}", "content": CANARY},
    {"tool": "workspace_read", "path": f"uploads/{CANARY}"},
    {"tool": "workspace_read", "path": f"uploads/missing-{CANARY}"},
    {"tool": "workspace_list", "path": CANARY},
    {"tool": "ci_pull_from_workspace", "paths": [f"uploads/{CANARY}"]},
    {"tool": "ci_pull_from_workspace", "paths": [f"uploads/missing-{CANARY}"]},
    {"tool": "workspace_link", "path": f"uploads/{CANARY}", "direction": "download"},
    {"tool": "workspace_link", "path": f"uploads/{CANARY}", "direction": "upload", "size": 1},
    {"tool": "workspace_link", "path": CANARY, "direction": CANARY},
    {"tool": "workspace_delete", "path": f"uploads/{CANARY}"},
    {"tool": "workspace_delete", "path": f"uploads/missing-{CANARY}"},
    {"tool": "invoke_code_interpreter", "name": "readFiles", "arguments": {"paths": [CANARY]}},
    {"tool": "invoke_code_interpreter", "name": "getTask", "arguments": {CANARY: "x"}},
    {"tool": "execute_code", "code": CANARY, "idempotency_key": CANARY},
    {"tool": "execute_code", "code": "x = 1", "trace_parent": CANARY},
]


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all messages with their arguments, fields and exceptions."""
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
