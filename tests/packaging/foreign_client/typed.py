"""Uses of the client for type checkers.

Each `type: ignore` marks a mistake that a checker has to find: pyright reports one that is not
needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type

from code_interpreter_client import (
    BackgroundCommand,
    CodeFailed,
    CodeInterpreter,
    CodeInterpreterError,
    Entry,
    ExceptionDetail,
    Figure,
    FilesChanged,
    FunctionUnavailable,
    InvalidRequest,
    NotFound,
    NotStarted,
    OnOutput,
    OutcomeUnknown,
    Result,
    RichResult,
    RunningProgram,
    SandboxSummary,
    Session,
    Stream,
    TimedOut,
    Transfer,
    TransferFailed,
    WorkspaceFile,
)


def report(done: int, total: int | None) -> None:
    print(done, total)


def show(stream: Stream, text: str) -> None:
    print(stream, text)


on_output: OnOutput = show


def sessions(interpreter: CodeInterpreter) -> None:
    assert_type(CodeInterpreter.from_stack("CodeInterpreter"), CodeInterpreter)
    assert_type(CodeInterpreter.from_function("invoke", retry_seconds=5), CodeInterpreter)
    assert_type(interpreter.run("1", language="javascript"), Result)
    assert_type(list(interpreter.sandboxes()), list[SandboxSummary])
    with interpreter.session("name", timeout=60, setup="ls", env={"A": "b"}) as session:
        assert_type(session, Session)
    interpreter.session(1)  # type: ignore[arg-type]
    interpreter.run("1", language="ruby")  # type: ignore[arg-type]


def programs(session: Session) -> None:
    result = session.run("1", output_filename="a.png", save_figures=True, timeout=5, check=False)
    assert_type(result, Result)
    assert_type(result.exit_code, int | None)
    assert_type(result.figures[0], Figure)
    assert_type(result.figures[0].save(), Path)
    assert_type(result.results[0], RichResult)
    assert_type(result.files_changed, FilesChanged)
    assert_type(result.exception, ExceptionDetail | None)
    assert_type(result.response, Mapping[str, Any])
    session.run("1", on_output=on_output)
    program = session.submit("1")
    assert_type(program, RunningProgram)
    assert_type(program.interrupt(), bool)
    task = session.background("ls")
    assert_type(task, BackgroundCommand)
    assert_type(task.wait(timeout=1.5), Result)
    session.run(1)  # type: ignore[arg-type]


def files(session: Session) -> None:
    assert_type(session.read("a"), bytes)
    session.write("a", "text")
    assert_type(session.list(), Sequence[Entry])
    assert_type(session.ls(), Sequence[WorkspaceFile])
    assert_type(session.push("a", "b"), Transfer)
    assert_type(session.upload("a", progress=report), str)
    assert_type(session.download("a", Path(), progress=report), Path)
    session.push(["a"])  # type: ignore[arg-type]


def failures(session: Session) -> None:
    try:
        session.run("1")
    except (InvalidRequest, NotFound, NotStarted, TransferFailed) as error:
        assert_type(error.retryable, bool)
    except (CodeFailed, TimedOut) as error:
        assert_type(error.result, Result)
    except OutcomeUnknown as error:
        assert_type(error.idempotency_key, str | None)
    except FunctionUnavailable as error:
        assert error.problem in ("no_stack", "access_denied")
    except CodeInterpreterError as error:
        assert_type(error.message, str)
