"""The data plane of the code interpreter in memory, behind the methods of botocore's client."""

from __future__ import annotations

import contextlib
import datetime
import io
import itertools
import json
import re
import shlex
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from code_interpreter_invoke.sandbox import program
from code_interpreter_invoke.sandbox.program_client import SOURCE
from tests.fakes.client_error import client_error

INTERPRETER = "analysis-0123456789"
# The mark in the code that installs the observer.
OBSERVER = re.compile(r"'mark': '(code-interpreter-report:[0-9a-f]+:)'")
# The command lines of the function's program begin with this; its request follows.
PROGRAM = shlex.join(["python3", "-I", "-c", SOURCE]) + " "
# Held while a program has the working directory of this process as its own.
WORKING_DIRECTORY = threading.Lock()


class Stream:
    """An event stream."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self._events = events
        self.closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from self._events

    def close(self) -> None:
        self.closed = True


class FakeSandbox:
    """A session's folder and variables. Code is Python; commands are bash's."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        (directory / "log").mkdir()
        (directory / ".service").write_text("the service's own")
        self.variables: dict[str, Any] = {"here": directory}
        self.alive = True
        # The mark of the observer, whose reports say nothing here.
        self.mark: str | None = None

    def invoke(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        operation: Callable[..., dict[str, Any]] = getattr(self, name)
        return operation(arguments)

    def executeCode(self, arguments: dict[str, Any]) -> dict[str, Any]:
        out, error = io.StringIO(), ""
        installation = OBSERVER.search(arguments["code"])
        if installation:
            entries = [entry.name for entry in self.directory.iterdir()]
            installed = {"entries": entries, "is_new": self.mark is None}
            self.mark = installation[1]
            out.write(f"\n{self.mark}{json.dumps(installed)}\n")
        else:
            error = self._execute(arguments["code"], out)
        if self.mark and arguments.get("language", "python") == "python":
            out.write(f"\n{self.mark}{{}}\n")
        printed = out.getvalue().strip()
        return {
            "content": [{"type": "text", "text": text} for text in (printed, error) if text],
            "structuredContent": {
                "stdout": printed,
                "stderr": error,
                "exitCode": int(bool(error)),
                "executionTime": 0.01,
            },
            "isError": bool(error),
        }

    def _execute(self, code: str, out: io.StringIO) -> str:
        """Execute code, and return the traceback if it fails."""
        with contextlib.redirect_stdout(out):
            try:
                exec(code, self.variables)
            except Exception:
                return traceback.format_exc(limit=0)
        return ""

    def executeCommand(self, arguments: dict[str, Any]) -> dict[str, Any]:
        output, exit_code = self._run(arguments["command"])
        printed = output.replace("\n", "\r\n")
        failed = exit_code != 0
        return {
            "content": [{"type": "text", "text": printed}],
            "structuredContent": {
                "stdout": "" if failed else printed,
                "stderr": printed if failed else "",
                "exitCode": exit_code,
                "executionTime": 0.01,
            },
            "isError": failed,
        }

    def _run(self, command: str) -> tuple[str, int]:
        """Run a command, and return its output and its exit code."""
        if command.startswith(PROGRAM):
            request = json.loads(*shlex.split(command.removeprefix(PROGRAM)))
            if request["action"] != "run_command":
                return self._run_program(**request)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.stdout.decode(), done.returncode

    def _run_program(self, action: str, result_marker: str, **arguments: Any) -> tuple[str, int]:
        """Run an action of the function's program here, because a process takes 50 ms of CPU."""
        with WORKING_DIRECTORY, contextlib.chdir(self.directory):
            try:
                result = program.ACTIONS[action](**arguments)
            except Exception:
                return traceback.format_exc(), 1
        return f"\n{result_marker}{json.dumps(result)}\n", 0

    def writeFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for file in arguments["content"]:
            path = self.directory / file["path"]
            if path.is_dir():
                return text_result(f"{file['path']} is a directory", error=True)
        for file in arguments["content"]:
            path = self.directory / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file["blob"] if "blob" in file else file["text"].encode())
        return text_result(f"Successfully wrote all {len(arguments['content'])} files")

    def readFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:
        blocks = []
        for path in arguments["paths"]:
            file = self.directory / path
            if not file.is_file():
                return text_result(f"{path} does not exist", error=True)
            content = file.read_bytes()
            resource: dict[str, Any] = {"uri": f"file:///{path}", "mimeType": "text/plain"}
            try:
                resource["text"] = content.decode()
            except UnicodeDecodeError:
                resource["blob"] = content
            blocks.append({"type": "resource", "resource": resource})
        return {"content": blocks, "isError": False}

    def listFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:
        folder = self.directory / arguments["directoryPath"]
        if not folder.is_dir():
            return text_result("no such directory", error=True)
        blocks = [
            {
                "type": "resource_link",
                "uri": f"file:///{entry.name}",
                "name": entry.name,
                "description": "Directory" if entry.is_dir() else "File",
            }
            for entry in folder.iterdir()
        ]
        return {"content": blocks, "isError": False}

    def removeFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for path in arguments["paths"]:
            file = self.directory / path
            if not file.is_file():
                return text_result(f"{path} does not exist", error=True)
            file.unlink()
        return text_result(f"Successfully removed all {len(arguments['paths'])} files")


def text_result(text: str, *, error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": error}


class FakeAgentCore:
    """The data plane of the code interpreter."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.identifier = INTERPRETER
        self.sandbox_type = FakeSandbox
        self.sandboxes: dict[str, FakeSandbox] = {}
        # The names that List returns, by session.
        self.names: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        # Results that replace an operation, by its name, and the last arguments.
        self.results: dict[str, dict[str, Any]] = {}
        self.arguments: dict[str, Any] = {}
        self.lock = threading.RLock()
        self._tokens: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.honours_tokens = True
        self.now = time.time
        self.before: Callable[[str, str], None] = lambda operation, detail: None
        self.after: Callable[[str, str], None] = lambda operation, detail: None

    def start_code_interpreter_session(
        self,
        *,
        codeInterpreterIdentifier: str,
        clientToken: str,
        name: str,
        sessionTimeoutSeconds: int,
        **options: Any,
    ) -> dict[str, Any]:
        self._check(codeInterpreterIdentifier, "StartCodeInterpreterSession")
        assert 33 <= len(clientToken) <= 256
        self._begin("Start", name)
        self.started_with = {"sessionTimeoutSeconds": sessionTimeoutSeconds, **options}
        with self.lock:
            session_id = self._tokens.get(clientToken) if self.honours_tokens else None
            if session_id is None:
                session_id = f"{next(self._numbers):026d}"
                self.sandboxes[session_id] = self.sandbox_type(self._directory / session_id)
                self._tokens[clientToken] = session_id
                self.names[session_id] = name
        self.after("Start", session_id)
        created_at = datetime.datetime.fromtimestamp(self.now(), datetime.UTC)
        return {"sessionId": session_id, "createdAt": created_at}

    def stop_code_interpreter_session(
        self,
        *,
        codeInterpreterIdentifier: str,
        sessionId: str,
        **trace: str,
    ) -> dict[str, Any]:
        self._check(codeInterpreterIdentifier, "StopCodeInterpreterSession")
        self.trace = trace
        self._begin("Stop", sessionId)
        if not self._alive(sessionId):
            raise client_error("ResourceNotFoundException", 404, "StopCodeInterpreterSession")
        self.sandboxes[sessionId].alive = False
        self.after("Stop", sessionId)
        return {"sessionId": sessionId}

    def invoke_code_interpreter(
        self,
        *,
        codeInterpreterIdentifier: str,
        sessionId: str,
        name: str,
        arguments: dict[str, Any],
        **trace: str,
    ) -> dict[str, Any]:
        self._check(codeInterpreterIdentifier, "InvokeCodeInterpreter")
        self.trace = trace
        is_own = OBSERVER.search(arguments.get("code", ""))
        self._begin("installObserver" if is_own else name, sessionId)
        if not self._alive(sessionId):
            raise client_error("ResourceNotFoundException", 404, "InvokeCodeInterpreter")
        self.arguments = self.arguments if is_own else arguments
        result = None if is_own else self.results.get(name)
        result = result or self.sandboxes[sessionId].invoke(name, arguments)
        self.after("installObserver" if is_own else name, sessionId)
        return {"sessionId": sessionId, "stream": Stream([{"result": result}])}

    def get_code_interpreter_session(
        self,
        *,
        codeInterpreterIdentifier: str,
        sessionId: str,
    ) -> dict[str, Any]:
        self._check(codeInterpreterIdentifier, "GetCodeInterpreterSession")
        self._begin("Get", sessionId)
        return self._summary(sessionId)

    def list_code_interpreter_sessions(
        self,
        *,
        codeInterpreterIdentifier: str,
        maxResults: int,  # noqa: ARG002 - boto3's callers name it
        status: str | None = None,
        nextToken: str = "",
    ) -> dict[str, Any]:
        self._check(codeInterpreterIdentifier, "ListCodeInterpreterSessions")
        self._begin("List", nextToken)
        found = [self._summary(session_id) for session_id in self.sandboxes]
        found = [item for item in found if status in (None, item["status"])]
        # A page has one session, and its token names that.
        left = [item for item in found if item["sessionId"] > nextToken]
        more = {"nextToken": left[0]["sessionId"]} if len(left) > 1 else {}
        return {"items": left[:1], **more}

    def _summary(self, session_id: str) -> dict[str, Any]:
        return {
            "sessionId": session_id,
            "status": "READY" if self._alive(session_id) else "TERMINATED",
            "createdAt": datetime.datetime.now(datetime.UTC),
            **({"name": self.names[session_id]} if session_id in self.names else {}),
        }

    def _alive(self, session_id: str) -> bool:
        return session_id in self.sandboxes and self.sandboxes[session_id].alive

    def _check(self, identifier: str, operation: str) -> None:
        if identifier != self.identifier:
            raise client_error("ResourceNotFoundException", 404, operation)

    def _begin(self, operation: str, detail: str) -> None:
        with self.lock:
            self.calls.append((operation, detail))
        self.before(operation, detail)

    # For the tests.

    def replace(self, identifier: str) -> None:
        """Take the place of the code interpreter, whose sandboxes end."""
        self.identifier = identifier
        self.end_all()

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    @property
    def running(self) -> list[FakeSandbox]:
        return [sandbox for sandbox in self.sandboxes.values() if sandbox.alive]

    def end_all(self) -> None:
        """End all sessions, as their timeout does."""
        for sandbox in self.sandboxes.values():
            sandbox.alive = False
