"""Use a deployed code interpreter: run code in named sessions, and move files.

    from code_interpreter_client import CodeInterpreter

    with CodeInterpreter.from_stack("CodeInterpreter").session("sales-q3") as session:
        session.upload("sales.csv")
        result = session.run("import pandas as pd; pd.read_csv('sales.csv').describe()")
        print(result.stdout)

No request runs a program twice, whatever happens to the connection.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    CodeFailed,
    CodeInterpreterError,
    FunctionUnavailable,
    InvalidRequest,
    NotFound,
    NotStarted,
    OutcomeUnknown,
    TimedOut,
    TransferFailed,
)
from .results import ExceptionDetail, Figure, FilesChanged, Result, RichResult

if TYPE_CHECKING:
    from .code_interpreter import CodeInterpreter, SandboxSummary
    from .output import OnOutput, Stream
    from .running import BackgroundCommand, RunningProgram
    from .session import Entry, Session, Transfer, WorkspaceFile
else:
    # The modules that import boto3 wait until they are used: `code-interpreter --help` is quick.
    MODULES = {
        "BackgroundCommand": "running",
        "CodeInterpreter": "code_interpreter",
        "Entry": "session",
        "OnOutput": "output",
        "RunningProgram": "running",
        "SandboxSummary": "code_interpreter",
        "Session": "session",
        "Stream": "output",
        "Transfer": "session",
        "WorkspaceFile": "session",
    }

    def __getattr__(name: str) -> Any:
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{MODULES[name]}", __name__), name)


__all__ = [
    "BackgroundCommand",
    "CodeFailed",
    "CodeInterpreter",
    "CodeInterpreterError",
    "Entry",
    "ExceptionDetail",
    "Figure",
    "FilesChanged",
    "FunctionUnavailable",
    "InvalidRequest",
    "NotFound",
    "NotStarted",
    "OnOutput",
    "OutcomeUnknown",
    "Result",
    "RichResult",
    "RunningProgram",
    "SandboxSummary",
    "Session",
    "Stream",
    "TimedOut",
    "Transfer",
    "TransferFailed",
    "WorkspaceFile",
]
