"""AgentCore and S3 on the scheduler, behind the methods of botocore's clients, with faults.

A program is a line that the kernel appends to its log: `append <id>`, or `append <id> for
<seconds>`. It prints the whole log and the files, so that each response shows the order in which
programs ran.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import random
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.fakes.agentcore import INTERPRETER, OBSERVER, Stream, text_result
from tests.fakes.client_error import client_error
from tests.fakes.s3 import BUCKET, FakeS3

from .plan import Plan
from .scheduler import Killed, Scheduler

PROGRAM = re.compile(r"append (?P<id>\w+)(?: for (?P<seconds>[\d.]+))?")
# Attempts of the clients, as `connect` sets them.
ATTEMPTS = 4
# Longer than a lease, and shorter than the function's time.
SLOW = 200.0
# Seconds in which all others go on that are in the middle of something.
PREEMPTION = 3.0


@dataclass
class Sandbox:
    """A sandbox: a kernel with a log, and files."""

    id: str
    name: str
    created_at: float
    expires_at: float
    log: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    mark: str | None = None
    busy_until: float = 0.0
    # When it ended, and the actor that ended it.
    ended_at: float | None = None
    ended_by: str = ""


@dataclass(frozen=True)
class Run:
    """A program that began."""

    id: str
    invocation: str
    sandbox: str
    began_at: float


class Faults:
    """Decides what each request meets; the same for the same seed, actor and request."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._planned = None if plan.faults is None else dict(plan.faults)
        self._numbers: dict[str, int] = {}
        self.preemption_rate = plan.preemption_rate
        self.is_off = False
        # The faults that were met, by place.
        self.met: dict[str, str] = {}

    def next(self, actor: str) -> tuple[str | None, random.Random]:
        """Return the fault that an actor's next request meets, and the source of its latencies."""
        number = self._numbers[actor] = self._numbers.get(actor, 0) + 1
        place = f"{actor}/{number}"
        chance = random.Random(f"{self._plan.seed}/{place}")
        # Drawn in any case, so that the latencies stay the same without the fault.
        is_hit = chance.random() < self._plan.fault_rate * self._weight(actor)
        fault: str | None = chance.choice(self._plan.fault_kinds)
        if self.is_off:
            return None, chance
        if self._planned is not None:
            fault = self._planned.get(place)
        elif not is_hit:
            fault = None
        if fault:
            self.met[place] = fault
        return fault, chance

    def _weight(self, actor: str) -> float:
        """Return how much an actor's requests suffer: some fail whatever is sent again."""
        chance = random.Random(f"{self._plan.seed}/{actor}")
        return chance.choice([0.0, 1.0, 1.0, 9.0])


class Network:
    """Sends requests as botocore's clients do, through the faults."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self.scheduler = scheduler
        self.faults = faults
        # Every request: when, by which actor, of which operation, about what, and its fault.
        self.requests: list[tuple[float, str, str, str, str | None]] = []
        # Called with the actor of each request, and what it is about.
        self.watch: Callable[[str, str], None] = lambda actor, about: None
        # Ends the sandbox of a request.
        self.end: Callable[[str], None] = lambda session_id: None

    def send(
        self,
        operation: str,
        effect: Callable[[], Any],
        attempts: int,
        about: str,
        session_id: str = "",
    ) -> Any:
        """Send a request, again after each fault that botocore sends it again after."""
        is_s3 = operation.endswith(("Object", "V2"))
        error: Exception
        for attempt in itertools.count(1):
            actor = self.scheduler.current
            fault, chance = self.faults.next(actor.name)
            if chance.random() < self.faults.preemption_rate:
                self.scheduler.pause(PREEMPTION)
            self.scheduler.pause(chance.choice([0.001, 0.01, 0.05, 0.3]) * chance.random())
            moment = self.scheduler.now()
            self.requests.append((moment, actor.name, operation, about, fault))
            self.watch(actor.name, about)
            if fault == "dies before":
                actor.dies_at = self.scheduler.now()
                raise Killed
            if fault == "slow":
                self.scheduler.pause(SLOW)
            if fault == "gone" and session_id:
                self.end(session_id)
            if fault == "refused":
                error = client_error("SlowDown", 503, operation)
                if not is_s3:
                    error = client_error("ThrottlingException", 429, operation)
            elif fault == "unreachable":
                error = EndpointConnectionError(endpoint_url="https://service")
            elif fault == "conflict" and operation == "PutObject":
                raise client_error("ConditionalRequestConflict", 409, operation)
            else:
                result = effect()
                self.scheduler.pause(chance.choice([0.001, 0.01, 0.05]) * chance.random())
                if fault == "dies after":
                    actor.dies_at = self.scheduler.now()
                    raise Killed
                if fault != "lost":
                    return result
                error = ReadTimeoutError(endpoint_url="https://service")
            if attempt == attempts:
                raise error
            self.scheduler.pause(chance.random())
        raise AssertionError


class S3:
    """The bucket: `FakeS3` behind the network."""

    def __init__(self, network: Network) -> None:
        self.fake = FakeS3()
        self.fake.now = network.scheduler.now
        self._network = network
        self.attempts = ATTEMPTS

    def _send(self, operation: str, method: Callable[..., Any], **arguments: Any) -> Any:
        about = arguments.get("Key") or arguments["Prefix"]
        return self._network.send(operation, lambda: method(**arguments), self.attempts, about)

    def put_object(self, **arguments: Any) -> Any:
        return self._send("PutObject", self.fake.put_object, **arguments)

    def get_object(self, **arguments: Any) -> Any:
        return self._send("GetObject", self.fake.get_object, **arguments)

    def list_objects_v2(self, **arguments: Any) -> Any:
        return self._send("ListObjectsV2", self.fake.list_objects_v2, **arguments)

    def upload(self, key: str, body: bytes) -> None:
        """Store an object for a caller of S3 that is no part of the function."""
        self.fake.put_object(Bucket=BUCKET, Key=key, Body=body)


class AgentCore:
    """The data plane, as one of the clients sees it; `attempts` is how often this one sends."""

    def __init__(self, network: Network, attempts: int, service: AgentCore | None = None) -> None:
        self._network = network
        self._scheduler = network.scheduler
        self._attempts = attempts
        self.sandboxes: dict[str, Sandbox] = service.sandboxes if service else {}
        self.runs: list[Run] = service.runs if service else []
        self._tokens: dict[str, str] = service._tokens if service else {}
        network.end = self.end

    def start_code_interpreter_session(
        self,
        *,
        codeInterpreterIdentifier: str,
        clientToken: str,
        name: str,
        sessionTimeoutSeconds: int,
    ) -> dict[str, Any]:
        assert codeInterpreterIdentifier == INTERPRETER
        session = name.rpartition("-")[0]

        def start() -> dict[str, Any]:
            now = self._scheduler.now()
            session_id = self._tokens.setdefault(clientToken, f"{len(self._tokens) + 1:026d}")
            sandbox = self.sandboxes.setdefault(
                session_id, Sandbox(session_id, session, now, now + sessionTimeoutSeconds)
            )
            created_at = datetime.datetime.fromtimestamp(sandbox.created_at, datetime.UTC)
            return {"sessionId": session_id, "createdAt": created_at}

        response: dict[str, Any] = self._network.send("Start", start, self._attempts, session)
        return response

    def stop_code_interpreter_session(
        self, *, codeInterpreterIdentifier: str, sessionId: str
    ) -> dict[str, Any]:
        assert codeInterpreterIdentifier == INTERPRETER

        def stop() -> dict[str, Any]:
            self._live(sessionId, "StopCodeInterpreterSession")
            self.end(sessionId)
            return {}

        response: dict[str, Any] = self._network.send("Stop", stop, self._attempts, sessionId)
        return response

    def get_code_interpreter_session(
        self, *, codeInterpreterIdentifier: str, sessionId: str
    ) -> dict[str, Any]:
        assert codeInterpreterIdentifier == INTERPRETER

        def get() -> dict[str, Any]:
            is_alive = self._is_alive(self.sandboxes[sessionId])
            return {"status": "READY" if is_alive else "TERMINATED"}

        response: dict[str, Any] = self._network.send("Get", get, self._attempts, sessionId)
        return response

    def invoke_code_interpreter(
        self,
        *,
        codeInterpreterIdentifier: str,
        sessionId: str,
        name: str,
        arguments: dict[str, Any],
    ) -> dict[str, Any]:
        assert codeInterpreterIdentifier == INTERPRETER

        def invoke() -> dict[str, Any]:
            sandbox = self._live(sessionId, "InvokeCodeInterpreter")
            if name == "executeCode":
                return self._execute(sandbox, arguments["code"])
            if name == "executeCommand":
                return self._command(sandbox, arguments["command"])
            if name == "writeFiles":
                files = {file["path"]: file["blob"] for file in arguments["content"]}
                sandbox.files |= files
                return text_result("written")
            assert name == "readFiles"
            blocks = [
                {"type": "resource", "resource": {"uri": path, "blob": sandbox.files[path]}}
                for path in arguments["paths"]
            ]
            return {"content": blocks, "isError": False}

        is_own = OBSERVER.search(arguments.get("code", ""))
        written = "".join(f" {file['path']}" for file in arguments.get("content", ()))
        about = f"{'installObserver' if is_own else name}{written} in {sessionId}"
        result = self._network.send("Invoke", invoke, self._attempts, about, sessionId)
        return {"stream": Stream([{"result": result}])}

    def _execute(self, sandbox: Sandbox, code: str) -> dict[str, Any]:
        installation = OBSERVER.search(code)
        if installation:
            installed = {"entries": [], "is_new": sandbox.mark is None}
            sandbox.mark = installation[1]
            printed = f"{sandbox.mark}{json.dumps(installed)}"
        else:
            printed = self._append(sandbox, code)
        return printed_result(f"{printed}\n{sandbox.mark}{{}}")

    def _append(self, sandbox: Sandbox, code: str) -> str:
        program = PROGRAM.match(code)
        assert program, code
        while sandbox.busy_until > self._scheduler.now():
            self._scheduler.pause_until(sandbox.busy_until)
            self._live(sandbox.id, "InvokeCodeInterpreter")
        now = self._scheduler.now()
        self.runs.append(Run(program["id"], self._scheduler.current.name, sandbox.id, now))
        sandbox.log.append(program["id"])
        sandbox.files[f"{program['id']}.txt"] = program["id"].encode()
        files = {path: body.decode() for path, body in sandbox.files.items()}
        printed = json.dumps({"log": sandbox.log, "files": files})
        if program["seconds"]:
            sandbox.busy_until = now + float(program["seconds"])
            self._scheduler.pause_until(sandbox.busy_until)
            if not self._is_alive(sandbox):
                raise ReadTimeoutError(endpoint_url="https://service")
        return printed

    def _command(self, sandbox: Sandbox, command: str) -> dict[str, Any]:
        """Do what `program.py` does for an inventory."""
        request = json.loads(shlex.split(command)[-1])
        assert request["action"] == "inventory"
        paths = sorted(sandbox.files) if request["paths"] is None else request["paths"]
        found = [
            {
                "path": path,
                "size": len(sandbox.files[path]),
                "sha256": hashlib.sha256(sandbox.files[path]).hexdigest(),
            }
            if path in sandbox.files
            else {"path": path, "problem": "No such file or directory"}
            for path in paths
        ]
        return printed_result(f"{request['result_marker']}{json.dumps(found)}")

    def end(self, session_id: str) -> None:
        sandbox = self.sandboxes[session_id]
        if self._is_alive(sandbox):
            sandbox.ended_at = self._scheduler.now()
            sandbox.ended_by = self._scheduler.current.name

    def _live(self, session_id: str, operation: str) -> Sandbox:
        sandbox = self.sandboxes[session_id]
        if not self._is_alive(sandbox):
            raise client_error("ResourceNotFoundException", 404, operation)
        return sandbox

    def _is_alive(self, sandbox: Sandbox) -> bool:
        return sandbox.ended_at is None and self._scheduler.now() < sandbox.expires_at

    def alive(self) -> list[Sandbox]:
        return [sandbox for sandbox in self.sandboxes.values() if self._is_alive(sandbox)]


def printed_result(printed: str) -> dict[str, Any]:
    return {
        "content": [{"type": "text", "text": printed}],
        "structuredContent": {
            "stdout": printed,
            "stderr": "",
            "exitCode": 0,
            "executionTime": 0.01,
        },
        "isError": False,
    }
