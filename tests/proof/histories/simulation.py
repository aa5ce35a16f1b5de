"""Run a plan against instances of the function, and record the history."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock

import code_interpreter_invoke.clients.code_interpreter as client_module
from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import Clients
from code_interpreter_invoke.settings import Settings
from tests.fakes.agentcore import INTERPRETER
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, PREFIX, RECORDS_PREFIX
from tests.proof.part import without_log

from .plan import SESSIONS, Operation, Plan
from .scheduler import START, Actor, Scheduler
from .services import ATTEMPTS, S3, AgentCore, Faults, Network, Run, Sandbox
from .simulated_time import simulated_time

# The function's timeout, and seconds between two events of the schedule.
TIMEOUT = 900.0
UPKEEP_EVERY = 60.0
# A session of which the history knows nothing.
NEW = "new"
# Seconds after which no lease, no wait and no program goes on.
REST = 2 * TIMEOUT


@dataclass
class Call:
    """An invocation of the function. Without a response, its instance died."""

    name: str
    kind: str
    operation: Operation | None
    event: Mapping[str, Any]
    began_at: float
    ended_at: float = 0.0
    response: dict[str, Any] | None = None
    # Whether all faults were over when it began.
    is_late: bool = False

    @property
    def session(self) -> str | None:
        return self.event.get("session")

    @property
    def printed(self) -> dict[str, Any] | None:
        """The output of the program, if its response says that it ended well."""
        if (
            self.response is None
            or self.response["status"] != "ok"
            or "stdout" not in self.response
        ):
            return None
        try:
            printed: dict[str, Any] = json.loads(self.response["stdout"])
        except ValueError:
            return None  # something else is in the output
        return printed


@dataclass
class History:
    """All that happened, for the checker."""

    plan: Plan
    calls: list[Call] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    alive: list[Sandbox] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    # Contents that a caller of S3 stored, with the moment, by session and path.
    uploads: list[tuple[str, str, str, float]] = field(default_factory=list)
    requests: list[tuple[float, str, str, str, str | None]] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the history for a reader."""
        lines: list[tuple[float, str]] = []
        for call in self.calls:
            lines.append((call.began_at, f"{call.name} is called: {json.dumps(call.event)}"))
            if call.response is not None:
                lines.append((call.ended_at, f"{call.name} responds: {json.dumps(call.response)}"))
        for moment, actor, operation, about, fault in self.requests:
            met = f" ({fault})" if fault else ""
            lines.append((moment, f"{actor} sends {operation} {about}{met}"))
        lines += [(run.began_at, f"{run.id} runs in {run.sandbox}") for run in self.runs]
        return [f"{moment - START:10.3f} {line}" for moment, line in sorted(lines)]


class Simulation:
    """The function's instances and its callers, on one scheduler."""

    def __init__(self, plan: Plan, *, invoke_attempts: int = 1) -> None:
        self.plan = plan
        self.history = History(plan)
        self.scheduler = Scheduler()
        self.faults = Faults(plan)
        self.network = Network(self.scheduler, self.faults)
        self.s3 = S3(self.network)
        self.service = AgentCore(self.network, ATTEMPTS)
        single = AgentCore(self.network, invoke_attempts, self.service)
        self.clients = Clients(agentcore_single_attempt=single, agentcore=self.service, s3=self.s3)
        self.settings = Settings(
            INTERPRETER,
            BUCKET,
            PREFIX,
            RECORDS_PREFIX,
            plan.life,
            idle_limit_seconds=plan.idle_limit,
            warm_spare=plan.has_spare,
        )
        self._free: list[Application] = []
        self._chance = random.Random(plan.seed)
        self._clients_left = len(plan.clients)
        # Clients that wait for the upkeep, with the end of the key that they wait for.
        self._waiting: list[tuple[Actor, str]] = []
        self.network.watch = self._wake_waiting
        self._keyed: dict[str, Mapping[str, Any]] = {}

    @without_log()
    def run(self) -> History:
        pauses = random.Random(self.plan.seed)
        with mock.patch.object(client_module, "random", pauses), simulated_time(self.scheduler):
            for number, operations in enumerate(self.plan.clients):
                client = partial(self._client, number, operations)
                self.scheduler.spawn(f"client {number}", client)
            if self.plan.idle_limit or self.plan.has_spare:
                self.scheduler.spawn("schedule", self._schedule)
            self.scheduler.run()
            self.faults.is_off = True
            self.scheduler.spawn("end", self._end, REST)
            self.scheduler.run()
        history = self.history
        history.runs = self.service.runs
        history.sandboxes = self.service.sandboxes
        history.alive = self.service.alive()
        history.objects = {key: body for key, (body, _, _) in self.s3.fake.objects.items()}
        history.requests = self.network.requests
        history.faults = self.faults.met
        return history

    def _client(self, number: int, operations: tuple[Operation, ...]) -> None:
        for operation in operations:
            if operation.meets:
                met = "next" if operation.meets == "spare" else operation.session
                self._waiting.append((self.scheduler.current, f"/{met}.json"))
            self.scheduler.pause(operation.after + number / 1000)
            if operation.kind == "upload":
                path, content = f"{operation.id}.csv", operation.id
                key = f"{PREFIX}/{operation.session}/uploads/{path}"
                self.s3.upload(key, content.encode())
                now = self.scheduler.now()
                self.history.uploads.append((operation.session, path, content, now))
                continue
            event = event_of(operation)
            if operation.kind == "keyed":
                self._keyed[operation.id] = event
            waiting = self.scheduler.current
            for send in range(operation.sends):
                name = f"{operation.id}.{send}"
                call = self._invoke(name, operation.kind, event, operation, waiting)
                self.scheduler.pause(operation.patience)
                response = call.response
                if call.ended_at and response and response["status"] == "ok":
                    break
        self._clients_left -= 1

    def _wake_waiting(self, actor: str, about: str) -> None:
        """Let clients go on that wait for the upkeep to be at their record."""
        if actor.startswith("upkeep"):
            for client, key in list(self._waiting):
                if about.endswith(key):
                    self.scheduler.wake(client)
                    self._waiting.remove((client, key))

    def _schedule(self) -> None:
        number = 0
        while self._clients_left:
            self._invoke(f"upkeep.{number}", "upkeep", {"schedule": "upkeep"}, None, None)
            number += 1
            self.scheduler.pause(UPKEEP_EVERY)

    def _end(self) -> None:
        """Repeat each key, use each session once more and a new one, and let the upkeep run.

        Another request with a used key comes, too. The new session begins just after the upkeep.
        """
        events = [(f"{key}.last", "keyed", event, REST) for key, event in self._keyed.items()]
        events += [
            (f"{key}.other", "other", {**event, "code": f"append other{key}"}, REST)
            for key, event in self._keyed.items()
        ]
        events += [
            (f"last.{session}", "program", last_program(session), REST) for session in SESSIONS
        ]
        if self.plan.idle_limit or self.plan.has_spare:
            upkeep = {"schedule": "upkeep"}
            events += [(f"upkeep.last{number}", "upkeep", upkeep, 60.0) for number in (0, 1)]
            events += [(f"last.{NEW}", "program", last_program(NEW), REST)]
            events += [(f"upkeep.last{number}", "upkeep", upkeep, REST) for number in (2, 3)]
        for name, kind, event, pause in events:
            call = self._invoke(name, kind, event, None, None)
            call.is_late = True
            self.scheduler.pause(pause)

    def _invoke(
        self,
        name: str,
        kind: str,
        event: Mapping[str, Any],
        operation: Operation | None,
        waiting: Actor | None,
    ) -> Call:
        call = Call(name, kind, operation, event, self.scheduler.now())
        self.history.calls.append(call)
        context = Context(TIMEOUT)

        def invocation() -> None:
            self.scheduler.current.dies_at = call.began_at + TIMEOUT
            application = self._instance()
            call.response = application.handle(event, context)
            call.ended_at = self.scheduler.now()
            self._free.append(application)
            if waiting is not None:
                self.scheduler.wake(waiting)

        self.scheduler.spawn(name, invocation)
        return call

    def _instance(self) -> Application:
        """Return an instance that is free, or a new one."""
        if self._free and self._chance.random() < 0.8:
            return self._free.pop(self._chance.randrange(len(self._free)))
        return Application(self.settings, self.clients)


def last_program(session: str) -> dict[str, Any]:
    return {"tool": "execute_code", "session": session, "code": f"append last{session}"}


def event_of(operation: Operation) -> dict[str, Any]:
    program = f"append {operation.id}"
    if operation.takes:
        program += f" for {operation.takes}"
    code: dict[str, Any] = {"tool": "execute_code", "code": program}
    session = {"session": operation.session}
    match operation.kind:
        case "program":
            return code | session
        case "keyed":
            return code | session | {"idempotency_key": operation.id}
        case "none":
            return code
        case "save":
            return code | session | {"output_filename": f"{operation.id}.txt"}
        case "write":
            return session | {
                "tool": "file_operations",
                "operation": "write",
                "path": f"{operation.id}.txt",
                "text": operation.id,
            }
        case _:
            return session | {"tool": "stop_session"}
