"""Sessions, the sweeper and the spare between the fakes of their services, on a clock of a test."""

from __future__ import annotations

from typing import Any

from code_interpreter_invoke.clients import Bucket, CodeInterpreterClient, CurrentId
from code_interpreter_invoke.deadline import Deadline
from code_interpreter_invoke.files.workspace import Workspace
from code_interpreter_invoke.sessions.named import NamedSession, RecordCache
from code_interpreter_invoke.sessions.spare import Spare
from code_interpreter_invoke.sessions.store import SessionRecord, SessionStore
from code_interpreter_invoke.sessions.sweeper import SweepCache, Sweeper, Swept
from tests.fakes.agentcore import INTERPRETER
from tests.fakes.clock import Clock
from tests.fakes.s3 import BUCKET, PREFIX, RECORDS_PREFIX
from tests.fakes.world import World, clients_of

OPTIONS = {"sessionTimeoutSeconds": 28_800}
LIMIT = 600.0
OWNER = "0123456789abcdef"


class Sessions:
    """One instance of the function: each of its requests remembers what earlier ones read."""

    def __init__(self, world: World, clock: Clock, identifier: str = INTERPRETER) -> None:
        world.agentcore.now = clock.now
        world.s3.now = clock.now
        self.world = world
        self.clock = clock
        self.options: dict[str, Any] = OPTIONS
        self.idle_limit = LIMIT
        self.has_spare = False
        self.cache: RecordCache = {}
        self.sweep_cache: SweepCache = {}
        clients = clients_of(world.s3, world.agentcore)
        self.deadline = Deadline(900)
        self.bucket = Bucket(clients, BUCKET, self.deadline)
        self.store = SessionStore(self.bucket, RECORDS_PREFIX)
        current = CurrentId(identifier, None, lambda: None)
        self.code_interpreter = CodeInterpreterClient(clients, current, self.deadline, OWNER)

    def session(self, name: str = "s", timeout: float | None = None) -> NamedSession:
        """Return a session as a new request has it."""
        return NamedSession(
            name,
            store=self.store,
            code_interpreter=self.code_interpreter,
            workspace=Workspace(self.bucket, PREFIX, name),
            deadline=Deadline(900, now=self.clock.now),
            options=self.options,
            cache=self.cache,
            timeout=timeout,
            idle_limit=self.idle_limit,
            spare=self.spare if self.has_spare else None,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )

    def use(self, name: str = "s", timeout: float | None = None) -> dict[str, Any]:
        """Use a session's sandbox as a request does, and return what the response would say."""
        session = self.session(name, timeout)
        session.sandbox()
        session.close()
        return dict(session.describe({"status": "ok"}))

    def record(self, name: str = "s") -> SessionRecord:
        return self.store.read(name).record

    def replace_record(self, name: str = "s", **members: Any) -> None:
        stored = self.store.read(name)
        self.store.write(name, stored.record._replace(**members), stored.etag)

    def sweep(self) -> Swept:
        sweeper = Sweeper(
            self.store, self.code_interpreter, self.deadline, self.sweep_cache, now=self.clock.now
        )
        return sweeper.sweep(self.idle_limit)

    @property
    def spare(self) -> Spare:
        return Spare(
            self.bucket,
            RECORDS_PREFIX,
            self.code_interpreter,
            self.options,
            now=self.clock.now,
        )

    def replenish(self) -> str:
        return self.spare.replenish(Deadline(900, now=self.clock.now))
