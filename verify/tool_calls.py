"""A call of each tool of the function, for `make verify` and for the tests of every caller."""

from __future__ import annotations

from typing import Any

# Calls, and a part of the response to each; every call uses the files of the calls before it.
TOOL_CALLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"tool": "start_session", "session_timeout_seconds": 600}, {"session_status": "READY"}),
    ({"tool": "get_session"}, {"session_status": "READY"}),
    (
        {"tool": "workspace_write", "path": "uploads/in.txt", "content": "6 7"},
        {"status": "ok"},
    ),
    (
        {
            "tool": "execute_code",
            "code": "a, b = map(int, open('in.txt').read().split())\n"
            "open('out.txt', 'w').write(str(a * b))\nprint(a * b)",
            "output_filename": "out.txt",
        },
        {"stdout": "42", "files_saved": ["code-interpreter/out.txt"]},
    ),
    ({"tool": "execute_command", "command": "cat out.txt"}, {"exit_code": 0, "stdout": "42"}),
    (
        {
            "tool": "file_operations",
            "operation": "write",
            "content": [{"path": "more.txt", "text": "more"}],
        },
        {"status": "ok"},
    ),
    ({"tool": "ci_push_to_workspace", "paths": ["more.txt"]}, {"status": "ok"}),
    (
        {"tool": "ci_pull_from_workspace", "paths": ["code-interpreter/more.txt"]},
        {"files_loaded": ["more.txt"]},
    ),
    ({"tool": "workspace_list", "path": "code-interpreter"}, {"count": 2}),
    ({"tool": "workspace_read", "path": "code-interpreter/more.txt"}, {"content": "more"}),
    (
        {"tool": "workspace_link", "path": "code-interpreter/more.txt", "direction": "download"},
        {"method": "GET"},
    ),
    (
        {"tool": "workspace_delete", "path": "code-interpreter/out.txt"},
        {"files_deleted": ["code-interpreter/out.txt"]},
    ),
    (
        {
            "tool": "invoke_code_interpreter",
            "name": "executeCode",
            "arguments": {"code": "print(a)", "language": "python"},
        },
        {"isError": False},
    ),
    ({"tool": "list_sessions"}, {"status": "ok"}),
    ({"tool": "interrupt", "idempotency_key": "unused"}, {"interrupted": False}),
    ({"tool": "read_output", "idempotency_key": "unused"}, {"output": [], "running": False}),
    ({"tool": "stop_session"}, {"stopped": True}),
    ({"tool": "describe_tools"}, {"status": "ok"}),
]
