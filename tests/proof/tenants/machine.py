"""Two tenants over one interpreter and one bucket: each call, and what it may touch and return."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from code_interpreter_invoke.application import Application
from code_interpreter_invoke.requests.tools import TOOLS
from code_interpreter_invoke.settings import Settings
from tests.fakes.lambda_context import Context

from .events import NASTY, TEMPLATES, UPKEEP, Event
from .services import InMemory, Sent, Services

# The name of one tenant begins with that of the other.
TENANTS = ("acme", "acme-2")
DEPLOYMENT = "111111111111.eu-west-1.Test.c8"
# A text that only one tenant can know: of a file, or the name of a session.
CANARY = re.compile(r"canary-of-(acme(?:-2)?)-\d+")
SIGNED_URL = re.compile(r"http[^\s\"'\\]+X-Amz-Signature=[^\s\"'\\]+")
# Too few to wait for another request: the other tenant's goes on only afterwards.
SECONDS = 16
LIST_SESSIONS = ("ListCodeInterpreterSessions", "list_code_interpreter_sessions")
# The schedule calls a function for no tenant.
SCHEDULE = "schedule"

NUMBERS = st.tuples(st.integers(0, 9_999), st.integers(0, 9_999))
# Only equal keys can meet.
KINDS = (*sorted(TEMPLATES), *["run with a common key"] * 5)
CALLS = st.tuples(st.sampled_from(KINDS), st.sampled_from(["s", "s", "own", *TENANTS]), NUMBERS)
# A kind of event, a session, and the numbers of two values.
Call = tuple[str, str, tuple[int, int]]
# As often as they stand here.
STEPS = (*["call"] * 8, *["two calls"] * 4, "upload", "end sandboxes", "keep up")


class Environment:
    """An execution environment of a function, which serves one request at a time."""

    def __init__(self, machine: TwoTenants, settings: Settings) -> None:
        self._machine = machine
        self.caller = ""
        clients = machine.services.clients(self)
        self.application = Application(settings, clients, lambda: None)

    def handle(self, caller: str, event: Any, context: Any) -> Any:
        self.caller = caller
        return self.application.handle(event, context)

    def sent(self, request: Sent) -> None:
        self._machine.check_request(self.caller, request)

    def started(self, session_id: str) -> None:
        self._machine.owners[session_id] = self.caller


class TwoTenants(RuleBasedStateMachine):
    """The calls of two tenants; the subclasses say how the tenants are kept apart.

    Each function has two execution environments. While a request runs in one of them, the other
    serves one, so that what an environment remembers meets both tenants if they share a function.
    """

    services_of: ClassVar[Callable[[], Services]] = InMemory
    calls: ClassVar[int] = 0
    watched: ClassVar[int] = 0
    refused: ClassVar[int] = 0

    @classmethod
    def over(cls, services_of: Callable[[], Services]) -> type[TwoTenants]:
        """Return the machine over other services."""
        return type(cls.__name__, (cls,), {"services_of": staticmethod(services_of)})

    def __init__(self) -> None:
        super().__init__()
        self.services = type(self).services_of()
        self.environments = self.make_environments()
        # The tenant of each sandbox; a spare has one once a request uses it.
        self.owners: dict[str, str] = {}
        # The tenant of each idempotency record: the first that touches it.
        self.records: dict[str, str] = {}
        # A tenant may know these without being told by the other, and all that its events say.
        self.told: dict[str, set[str]] = {tenant: set() for tenant in TENANTS}
        self.said = dict.fromkeys(TENANTS, "")
        # Whatever the responses to either tenant say about places, which the other may try.
        self.values = [*NASTY, *TENANTS, "s", "uploads/secret.txt", "secret.txt", "uploads", "key"]
        self.violations: list[str] = []
        self.numbers = itertools.count()
        self.own_sessions = {tenant: self.canary(tenant) for tenant in TENANTS}
        # Called after each request that is checked.
        self.meanwhile: Callable[[], None] = lambda: None

    # How tenants are kept apart.

    def make_environments(self) -> dict[str, list[Environment]]:
        """Return the two environments of each function, by the callers that it serves."""
        raise NotImplementedError

    def may_touch(self, tenant: str, key: str) -> bool:
        """Tell whether a key or a prefix of keys is the tenant's."""
        raise NotImplementedError

    def as_sent(self, tenant: str, event: Event) -> tuple[Any, Any]:
        """Return the event and the context with which a tenant's call reaches the function."""
        raise NotImplementedError

    def uploads_of(self, tenant: str) -> str:
        raise NotImplementedError

    # The requests and responses that are checked.

    def check_request(self, caller: str, request: Sent) -> None:
        type(self).watched += 1
        if caller != SCHEDULE:
            self._check_request(caller, request)
        self.meanwhile()

    def _check_request(self, tenant: str, request: Sent) -> None:
        where = f"{request.operation} of {tenant}"
        if request.keys:
            self.check_place(tenant, where, request.bucket, request.keys)
        if request.session_id is not None:
            owner = self.owners.get(request.session_id)
            if owner == SCHEDULE:
                self.owners[request.session_id] = owner = tenant
            if owner != tenant:
                self.violations.append(f"{where} in {request.session_id} of {owner}")
        # The key of a claim names a spare, which may be the other's by now. A page token is the
        # service's own, and may name any sandbox.
        is_list = request.operation in LIST_SESSIONS
        if not is_list and not any("/spares/" in key for key in request.keys):
            self.check_text(tenant, where, request.text)

    def check_place(self, tenant: str, where: str, bucket: str, keys: Iterable[str]) -> None:
        for key in keys:
            # Clients of HTTP may shorten a key that has dots, such as that of a signed URL.
            is_own = self.may_touch(tenant, key) and "/.." not in key
            if bucket != self.services.bucket or not is_own:
                self.violations.append(f"{where} at {key}")

    def check_text(self, tenant: str, where: str, text: str) -> list[str]:
        """Check that a text has nothing of the other's; return the signed URLs in it."""
        shown = {match[0] for match in CANARY.finditer(text)} - self.told[tenant]
        other = TENANTS[1 - TENANTS.index(tenant)]
        shown |= {one for one, owner in self.owners.items() if owner == other and one in text}
        for secret in sorted(shown):
            if secret not in self.said[tenant]:
                self.violations.append(f"{where} has {secret}")
        urls = [url for url in SIGNED_URL.findall(text) if url not in self.said[tenant]]
        for url in urls:
            bucket, key = self.services.place_of(url)
            self.check_place(tenant, where, bucket, [key])
        return urls

    # The steps.

    @initialize(
        tenants=st.sampled_from([TENANTS, TENANTS, TENANTS[:1], ()]), has_spare=st.booleans()
    )
    def begin(self, tenants: tuple[str, ...], has_spare: bool) -> None:
        """Give tenants a file with a secret under the same name; one without files has no secret.

        A sandbox without uploads is like any other to a request that has none. A spare goes to
        the first sessions only.
        """
        for tenant in tenants:
            self.upload(tenant, "secret.txt")
        if has_spare:
            self.keep_up(0)

    @rule(
        step=st.sampled_from(STEPS),
        tenant=st.sampled_from(TENANTS),
        call=CALLS,
        another=CALLS,
        number=st.integers(0, 8),
        place=st.integers(0, 1),
        name=st.sampled_from(["secret.txt", "b.txt", "c.txt", "large.txt"]),
    )
    def next_step(
        self,
        step: str,
        tenant: str,
        call: Call,
        another: Call,
        number: int,
        place: int,
        name: str,
    ) -> None:
        """Take a step. With a rule for each, some runs would be of one kind alone."""
        match step:
            case "call":
                self.send(tenant, call, place)
            case "two calls":
                self.send_two_at_once(tenant, call, another, number, place)
            case "upload":
                self.upload(tenant, name)
            case "end sandboxes":
                self.services.end_sandboxes()
            case "keep up":
                self.keep_up(place)

    def upload(self, tenant: str, name: str) -> None:
        """Store a file as the tenant's own programs do."""
        content = self.canary(tenant).encode()
        if name == "large.txt":
            content += b" " * self.services.large
        self.services.put(f"{self.uploads_of(tenant)}/{name}", content)

    def send_two_at_once(
        self, tenant: str, call: Call, another: Call, number: int, place: int
    ) -> None:
        """Let the other tenant's call run whole at a request of the first one's."""
        other = TENANTS[1 - TENANTS.index(tenant)]
        left = [number]

        def meanwhile() -> None:
            left[0] -= 1
            if left[0] == -1:
                self.send(other, another, 1 - place)

        self.meanwhile = meanwhile
        try:
            self.send(tenant, call, place)
        finally:
            self.meanwhile = lambda: None

    def keep_up(self, place: int) -> None:
        """Send the event of the schedule, which starts a warm spare."""
        for caller in [SCHEDULE] if SCHEDULE in self.environments else TENANTS:
            self.environments[caller][place].handle(caller, UPKEEP, Context(SECONDS))

    def send(self, tenant: str, call: Call, place: int) -> None:
        """Send an event with values of the tenant's own, of the other's and of an attacker."""
        template, session, numbers = call
        # The number of values varies with the responses, and the numbers that are drawn do not.
        first, second = (self.values[number % len(self.values)] for number in numbers)
        name = self.own_sessions[tenant] if session == "own" else session
        event = TEMPLATES[template](name, first, second)
        type(self).calls += 1
        self.said[tenant] += json.dumps(event)
        environment = self.environments[tenant][place]
        response = environment.handle(tenant, *self.as_sent(tenant, event))
        type(self).refused += response.get("error", {}).get("type") == "InvalidRequest"
        self.values += sorted(set(places(response)) - set(self.values))[:20]
        where = f"the response to {tenant}"
        for url in self.check_text(tenant, where, json.dumps(response)):
            found = self.services.use(response.get("method", "GET"), url)
            self.check_text(tenant, f"{where}'s URL", found)

    @invariant()
    def nothing_of_the_other(self) -> None:
        assert not self.violations, self.violations[0]

    def teardown(self) -> None:
        self.services.close()

    def canary(self, tenant: str) -> str:
        canary = f"canary-of-{tenant}-{next(self.numbers)}"
        self.told[tenant].add(canary)
        return canary

    def settings(self, prefix: str) -> Settings:
        return Settings(
            self.services.interpreter,
            self.services.bucket,
            prefix,
            f"sessions/{prefix}/{DEPLOYMENT}/",
            900,
            allow_delete=True,
            warm_spare=True,
        )


class FunctionForEach(TwoTenants):
    """A function and a prefix for each tenant, as in `examples/tenants.py`."""

    def make_environments(self) -> dict[str, list[Environment]]:
        return {
            tenant: [Environment(self, self.settings(f"tenants/{tenant}")) for _ in range(2)]
            for tenant in TENANTS
        }

    def may_touch(self, tenant: str, key: str) -> bool:
        return key.startswith((f"tenants/{tenant}/", f"sessions/tenants/{tenant}/"))

    def as_sent(self, tenant: str, event: Event) -> tuple[Any, Any]:
        del tenant
        return event, Context(SECONDS)

    def uploads_of(self, tenant: str) -> str:
        return f"tenants/{tenant}/s/uploads"


class SessionForEach(TwoTenants):
    """One function, and a session whose name the platform sets: that of the tenant."""

    def make_environments(self) -> dict[str, list[Environment]]:
        self.ways = itertools.cycle(("Gateway", "Converse"))
        shared = [Environment(self, self.settings("workspace")) for _ in range(2)]
        return dict.fromkeys((SCHEDULE, *TENANTS), shared)

    def may_touch(self, tenant: str, key: str) -> bool:
        records = f"sessions/workspace/{DEPLOYMENT}/"
        if key.startswith(f"{records}responses/"):
            return self.records.setdefault(key, tenant) == tenant
        # The first claimant of a spare is its owner: the sandboxes of requests show that.
        return key == f"{records}{tenant}.json" or key.startswith(
            (f"{records}spares/", f"workspace/{tenant}/")
        )

    def uploads_of(self, tenant: str) -> str:
        return f"workspace/{tenant}/uploads"

    def as_sent(self, tenant: str, event: Event) -> tuple[Any, Any]:
        """Send a model's arguments through a Gateway, or as a program that uses Converse does."""
        context: Any = Context(SECONDS)
        arguments = {name: value for name, value in event.items() if value != "s"}
        tool = arguments.pop("tool")
        if TOOLS[tool].for_models and next(self.ways) == "Converse":
            return {**arguments, "tool": tool, "session": tenant}, context
        context.client_context = SimpleNamespace(
            custom={
                "bedrockAgentCoreToolName": f"target___{tool}",
                "bedrockAgentCorePropagatedHeaders": {"X-Code-Interpreter-Session": tenant},
            }
        )
        return arguments, context


def places(response: Any) -> list[str]:
    """Return what a response says about sessions, pages, paths and URLs."""
    if isinstance(response, list):
        return [place for item in response for place in places(item)]
    if not isinstance(response, dict):
        return []
    names = ("session", "session_id", "next_token", "url", "path", "name")
    own = [response[name] for name in names if isinstance(response.get(name), str)]
    return own + [place for value in response.values() for place in places(value)]
