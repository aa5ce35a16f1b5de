"""From a valid request to its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import CallError
from ..requests.request import Request
from ..requests.tools import converse_tool_config
from . import api, files
from . import code as execution
from .context import Call


def describe_tools(_call: Call) -> dict[str, Any]:
    """What a program needs to offer the tools to a model."""
    return {"status": "ok", **converse_tool_config()}


IMPLEMENTATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "execute_code": execution.execute_code,
    "execute_command": execution.execute_command,
    "file_operations": files.file_operations,
    "ci_push_to_workspace": files.push,
    "workspace_list": files.workspace_list,
    "workspace_read": files.workspace_read,
    "workspace_write": files.workspace_write,
    "invoke_code_interpreter": api.invoke_code_interpreter,
    "start_session": api.start_session,
    "get_session": api.get_session,
    "list_sessions": api.list_sessions,
    "stop_session": api.stop_session,
    "describe_tools": describe_tools,
}


def serve(request: Request, call: Call) -> dict[str, Any]:
    """Run a request and answer; a failure is an answer too."""
    try:
        answer = IMPLEMENTATIONS[request.tool.name](call, **request.arguments)
    except CallError as failure:
        answer = failure.answer()
    finally:
        call.finish()
    return call.describe(answer)
