"""The tools: functions that take the arguments of `requests/tools.json` as keywords."""

from __future__ import annotations

from collections.abc import Callable

from ..responses import Response
from . import api, code, files, sessions, workspace

IMPLEMENTATIONS: dict[str, Callable[..., Response]] = {
    "execute_code": code.execute_code,
    "execute_command": code.execute_command,
    "file_operations": files.file_operations,
    "ci_push_to_workspace": workspace.ci_push_to_workspace,
    "ci_pull_from_workspace": workspace.ci_pull_from_workspace,
    "workspace_list": workspace.workspace_list,
    "workspace_read": workspace.workspace_read,
    "workspace_write": workspace.workspace_write,
    "workspace_delete": workspace.workspace_delete,
    "workspace_link": workspace.workspace_link,
    "invoke_code_interpreter": api.invoke_code_interpreter,
    "start_session": sessions.start_session,
    "get_session": sessions.get_session,
    "list_sessions": sessions.list_sessions,
    "stop_session": sessions.stop_session,
    "interrupt": code.interrupt,
    "read_output": code.read_output,
    "describe_tools": api.describe_tools,
}
