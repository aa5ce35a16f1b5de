"""Use a deployed code interpreter: run code in named sessions, and move files.

    from code_interpreter_client import CodeInterpreter

    with CodeInterpreter.from_stack("CodeInterpreter").session("sales-q3") as session:
        session.upload("sales.csv")
        result = session.run("import pandas as pd; pd.read_csv('sales.csv').describe()")
        print(result.stdout)

No request runs a program twice, whatever happens to the connection.
"""

from .code_interpreter import CodeInterpreter, SandboxSummary
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
from .running import BackgroundCommand, RunningProgram
from .session import Entry, Session, Transfer, WorkspaceFile

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
    "OutcomeUnknown",
    "Result",
    "RichResult",
    "RunningProgram",
    "SandboxSummary",
    "Session",
    "TimedOut",
    "Transfer",
    "TransferFailed",
    "WorkspaceFile",
]
