"""The tools: functions that take the arguments of `requests/tools.json` as keywords.

Each is a function of its own name in one of the modules. A module is imported when one of its tools
is asked for, because most requests run code, and the start of the function is paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from . import code

if TYPE_CHECKING:
    from ..responses import Response

MODULES = {
    "execute_code": code.__name__,
    "execute_command": code.__name__,
    "file_operations": f"{__name__}.files",
    "ci_push_to_workspace": f"{__name__}.workspace",
    "ci_pull_from_workspace": f"{__name__}.workspace",
    "workspace_list": f"{__name__}.workspace",
    "workspace_read": f"{__name__}.workspace",
    "workspace_write": f"{__name__}.workspace",
    "workspace_delete": f"{__name__}.workspace",
    "workspace_link": f"{__name__}.workspace",
    "invoke_code_interpreter": f"{__name__}.api",
    "start_session": f"{__name__}.sessions",
    "get_session": f"{__name__}.sessions",
    "list_sessions": f"{__name__}.sessions",
    "stop_session": f"{__name__}.sessions",
    "interrupt": f"{__name__}.sessions",
    "read_output": f"{__name__}.sessions",
    "describe_tools": f"{__name__}.api",
}


def implementation(tool: str) -> Callable[..., Response]:
    """Return the function of a tool."""
    return cast("Callable[..., Response]", getattr(import_module(MODULES[tool]), tool))
