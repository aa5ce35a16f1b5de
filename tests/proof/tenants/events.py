"""The events that the tenants send, made of values that they choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Names and paths that lead elsewhere if something takes them for more than a name.
NASTY = (
    "",
    ".",
    "..",
    "../acme-2",
    "../acme/uploads/secret.txt",
    "uploads/../../acme-2/uploads/secret.txt",
    "code-interpreter/../../../acme/s/uploads/secret.txt",
    "/tenants/acme/s/uploads/secret.txt",
    "tenants/acme-2/s/uploads/secret.txt",
    "uploads//secret.txt",
    "uploads/%2e%2e/secret.txt",
    "uploads/\u2025/\uff0e\uff0e/\u2215acme",
    "uploads/secre\u0301t.txt",
    "uploads/\u202etxt.terces",
    "acme\n",
    "acme\x00",
    "acme/",
    "ACME",
    "\uff41cme",
    "a" * 65,
    "-rf",
    "~",
    "*",
    "workspace/acme-2/",
    "sessions/tenants/acme-2/",
)
# A fake sandbox has its folder in a variable.
PROGRAM = """\
from pathlib import Path
print((globals().get("here", Path()) / "secret.txt").read_text())
"""

Event = dict[str, Any]
# Makes an event of a direct caller: of a session's name and of two values.
Template = Callable[[str, str, str], Event]
TEMPLATES: dict[str, Template] = {
    "run": lambda s, a, b: {"tool": "execute_code", "session": s, "code": PROGRAM},
    "run with a key": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "idempotency_key": a,
    },
    "run with a common key": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "idempotency_key": "key",
    },
    "run and save": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "output_filename": a,
    },
    "run without a session": lambda s, a, b: {"tool": "execute_code", "code": f"print({a!r})"},
    "read": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "read",
        "path": a,
    },
    "write": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "write",
        "path": a,
        "text": b,
    },
    "list": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "list",
        "path": a,
    },
    "remove": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "remove",
        "path": a,
    },
    "push": lambda s, a, b: {"tool": "ci_push_to_workspace", "session": s, "paths": [a]},
    "pull": lambda s, a, b: {"tool": "ci_pull_from_workspace", "session": s, "paths": [a, b]},
    "workspace_list": lambda s, a, b: {
        "tool": "workspace_list",
        "session": s,
        "path": a,
        "next_token": b,
    },
    "next page": lambda s, a, b: {"tool": "workspace_list", "session": s, "next_token": a},
    "workspace_read": lambda s, a, b: {"tool": "workspace_read", "session": s, "path": a},
    "workspace_write": lambda s, a, b: {
        "tool": "workspace_write",
        "session": s,
        "path": a,
        "content": b,
    },
    "workspace_delete": lambda s, a, b: {"tool": "workspace_delete", "session": s, "path": a},
    "download": lambda s, a, b: {
        "tool": "workspace_link",
        "session": s,
        "path": a,
        "direction": "download",
    },
    "upload": lambda s, a, b: {
        "tool": "workspace_link",
        "session": s,
        "path": a,
        "direction": "upload",
        "size": 5,
    },
    "get_session": lambda s, a, b: {"tool": "get_session", "session": a},
    "start_session": lambda s, a, b: {"tool": "start_session", "session": a},
    "stop_session": lambda s, a, b: {"tool": "stop_session", "session": a},
    "list_sessions": lambda s, a, b: {"tool": "list_sessions"},
    "next sessions": lambda s, a, b: {"tool": "list_sessions", "next_token": a},
    "read_output": lambda s, a, b: {
        "tool": "read_output",
        "session": s,
        "idempotency_key": a,
    },
    "pass through": lambda s, a, b: {
        "tool": "invoke_code_interpreter",
        "session": s,
        "name": "readFiles",
        "arguments": {"paths": [a], "sessionId": b},
    },
    "another session for the service": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "session_id": a,
    },
}
UPKEEP = {"schedule": "upkeep"}
