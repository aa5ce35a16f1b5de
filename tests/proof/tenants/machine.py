"""Two tenants over one interpreter and one bucket: each call, and what it may touch and return."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import Clients
from code_interpreter_invoke.settings import Settings
from tests.fakes.agentcore import INTERPRETER, FakeAgentCore, FakeSandbox, text_result
from tests.fakes.lambda_context import Context
from tests.fakes.s3 import BUCKET, FakeS3

# The name of one tenant begins with that of the other.
TENANTS = ("acme", "acme-2")
DEPLOYMENT = "111111111111.eu-west-1.Test.c8"
# A text that only one tenant can know.
CANARY = re.compile(r"canary-of-(acme(?:-2)?)-\d+")
# Names and paths that lead elsewhere if something takes them for more than a name.
NASTY = (
    "",
    ".",
    "..",
    "../acme-2",
    "../acme/uploads/secret.txt",
    "uploads/../../acme-2/uploads/secret.txt",
    "code-interpreter/../../../acme/s/uploads/secret.txt",
    "/tenants/acme/s/uploads/secret.txt",
    "tenants/acme-2/s/uploads/secret.txt",
    "uploads//secret.txt",
    "uploads/%2e%2e/secret.txt",
    "uploads/\u2025/\uff0e\uff0e/\u2215acme",
    "uploads/secre\u0301t.txt",
    "uploads/\u202etxt.terces",
    "acme\n",
    "acme\x00",
    "acme/",
    "ACME",
    "\uff41cme",
    "a" * 65,
    "-rf",
    "~",
    "*",
    "workspace/acme-2/",
    "sessions/tenants/acme-2/",
)
PROGRAM = "print((here / 'secret.txt').read_text())"
# Too few to wait for another request: the other tenant's goes on only afterwards.
SECONDS = 16

# An event of a direct caller, made of values that the caller chooses.
Template = Callable[[str, str, str], dict[str, Any]]
TEMPLATES: dict[str, Template] = {
    "run": lambda s, a, b: {"tool": "execute_code", "session": s, "code": PROGRAM},
    "run with a key": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "idempotency_key": a,
    },
    "run and save": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "output_filename": a,
    },
    "run without a session": lambda s, a, b: {"tool": "execute_code", "code": f"print({a!r})"},
    "read": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "read",
        "path": a,
    },
    "write": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "write",
        "path": a,
        "text": b,
    },
    "list": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "list",
        "path": a,
    },
    "remove": lambda s, a, b: {
        "tool": "file_operations",
        "session": s,
        "operation": "remove",
        "path": a,
    },
    "push": lambda s, a, b: {"tool": "ci_push_to_workspace", "session": s, "paths": [a]},
    "pull": lambda s, a, b: {"tool": "ci_pull_from_workspace", "session": s, "paths": [a, b]},
    "workspace_list": lambda s, a, b: {
        "tool": "workspace_list",
        "session": s,
        "path": a,
        "next_token": b,
    },
    "next page": lambda s, a, b: {"tool": "workspace_list", "session": s, "next_token": a},
    "workspace_read": lambda s, a, b: {"tool": "workspace_read", "session": s, "path": a},
    "workspace_write": lambda s, a, b: {
        "tool": "workspace_write",
        "session": s,
        "path": a,
        "content": b,
    },
    "workspace_delete": lambda s, a, b: {"tool": "workspace_delete", "session": s, "path": a},
    "download": lambda s, a, b: {
        "tool": "workspace_link",
        "session": s,
        "path": a,
        "direction": "download",
    },
    "upload": lambda s, a, b: {
        "tool": "workspace_link",
        "session": s,
        "path": a,
        "direction": "upload",
        "size": 5,
    },
    "get_session": lambda s, a, b: {"tool": "get_session", "session": a},
    "start_session": lambda s, a, b: {"tool": "start_session", "session": a},
    "stop_session": lambda s, a, b: {"tool": "stop_session", "session": a},
    "read_output": lambda s, a, b: {
        "tool": "read_output",
        "session": s,
        "idempotency_key": a,
    },
    "pass through": lambda s, a, b: {
        "tool": "invoke_code_interpreter",
        "session": s,
        "name": "readFiles",
        "arguments": {"paths": [a], "sessionId": b},
    },
    "another session for the service": lambda s, a, b: {
        "tool": "execute_code",
        "session": s,
        "code": PROGRAM,
        "session_id": a,
    },
}


class QuickSandbox(FakeSandbox):
    """A sandbox that lists files for the function without a process."""

    def executeCommand(self, arguments: dict[str, Any]) -> dict[str, Any]:
        request = json.loads(shlex.split(arguments["command"])[-1])
        if request["action"] != "inventory":
            return super().executeCommand(arguments)
        paths = request["paths"] or [
            path.name for path in sorted(self.directory.iterdir()) if path.is_file()
        ]
        found = [file for path in paths for file in self.described(path)]
        return text_result(f"{request['result_marker']}{json.dumps(found)}")

    def described(self, path: str) -> list[dict[str, Any]]:
        named = self.directory / path
        if named.is_dir():
            files = [file for file in sorted(named.rglob("*")) if file.is_file()]
            return [self.description(str(file.relative_to(self.directory))) for file in files]
        if not named.is_file():
            return [{"path": path, "problem": "No such file or directory"}]
        return [self.description(path)]

    def description(self, path: str) -> dict[str, Any]:
        content = (self.directory / path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        return {"path": path, "size": len(content), "sha256": digest}


class Watched:
    """A client whose requests are told before they are sent."""

    def __init__(
        self,
        client: Any,
        tell: Callable[[str, Mapping[str, Any]], None],
        started: Callable[[str], None] = lambda session_id: None,
    ) -> None:
        self._client = client
        self._tell = tell
        self._started = started

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def send(*arguments: Any, **members: Any) -> Any:
            # A signed URL is asked for with positional arguments.
            self._tell(name, members or arguments[1])
            response = operation(*arguments, **members)
            if name == "start_code_interpreter_session":
                self._started(response["sessionId"])
            return response

        return send


class TwoTenants(RuleBasedStateMachine):
    """The calls of two tenants; the subclasses say how the tenants are kept apart."""

    steps: ClassVar[int] = 0
    watched: ClassVar[int] = 0
    refused: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="tenants-"))
        self.s3 = FakeS3()
        self.s3.page_size = 2
        self.agentcore = FakeAgentCore(self.directory)
        self.agentcore.sandbox_type = QuickSandbox
        self.applications = {tenant: self.application(tenant) for tenant in TENANTS}
        # The sandboxes that each tenant's calls have started.
        self.sandboxes: dict[str, set[str]] = {tenant: set() for tenant in TENANTS}
        # A tenant may know these without being told by the other.
        self.told: dict[str, set[str]] = {tenant: set() for tenant in TENANTS}
        # Whatever the responses to either tenant say about places, which the other may try.
        self.values = [*NASTY, *TENANTS, "s", "uploads/secret.txt", "secret.txt", "uploads", "key"]
        self.violations: list[str] = []
        self.numbers = iter(range(1_000_000))

    # How tenants are kept apart.

    def application(self, tenant: str) -> Application:
        raise NotImplementedError

    def may_touch(self, tenant: str, key: str) -> bool:
        """Tell whether a key or a prefix of keys is the tenant's."""
        raise NotImplementedError

    def call(self, tenant: str, event: dict[str, Any]) -> Any:
        """Send an event as a tenant can, and return the response."""
        return self.applications[tenant].handle(event, Context(SECONDS))

    def uploads_of(self, tenant: str) -> str:
        raise NotImplementedError

    # The requests that are watched.

    def clients(self, tenant: str) -> Clients:
        s3 = Watched(self.s3, lambda name, members: self.check_key(tenant, name, members))
        core = Watched(
            self.agentcore,
            lambda name, members: self.check_id(tenant, name, members),
            lambda session_id: self.sandboxes[tenant].add(session_id),
        )
        return Clients(agentcore_single_attempt=core, agentcore=core, s3=s3)

    def check_key(self, tenant: str, operation: str, members: Mapping[str, Any]) -> None:
        type(self).watched += 1
        place = members.get("Key", members.get("Prefix"))
        places = [place, members.get("StartAfter") or place]
        # Clients of HTTP may shorten a key that has dots, such as that of a signed URL.
        is_own = all(self.may_touch(tenant, key) and "/.." not in key for key in places)
        if members["Bucket"] != BUCKET or not is_own:
            self.violations.append(f"{operation} of {tenant} at {places}")

    def check_id(self, tenant: str, operation: str, members: Mapping[str, Any]) -> None:
        type(self).watched += 1
        session_id = members.get("sessionId")
        if session_id is not None and session_id not in self.sandboxes[tenant]:
            self.violations.append(f"{operation} of {tenant} in {session_id}")

    # The steps.

    @initialize()
    def secrets(self) -> None:
        """Give each tenant a file with a secret under the same name."""
        for tenant in TENANTS:
            self.upload(tenant, "secret.txt")

    @rule(tenant=st.sampled_from(TENANTS), name=st.sampled_from(["secret.txt", "b.txt", "c.txt"]))
    def upload(self, tenant: str, name: str) -> None:
        """Store a file as the tenant's own programs do."""
        canary = f"canary-of-{tenant}-{next(self.numbers)}"
        self.told[tenant].add(canary)
        self.s3.put_object(
            Bucket=BUCKET, Key=f"{self.uploads_of(tenant)}/{name}", Body=canary.encode()
        )

    @rule(
        tenant=st.sampled_from(TENANTS),
        template=st.sampled_from(sorted(TEMPLATES)),
        session=st.sampled_from(["s", "s", "s", *TENANTS]),
        data=st.data(),
    )
    def send(self, tenant: str, template: str, session: str, data: st.DataObject) -> None:
        """Send an event that has values of the tenant's own, of the other's and of an attacker."""
        chosen = st.sampled_from(self.values)
        event = TEMPLATES[template](session, data.draw(chosen), data.draw(chosen))
        self.step(tenant, event)

    @rule(
        tenant=st.sampled_from(TENANTS),
        first=st.sampled_from(sorted(TEMPLATES)),
        second=st.sampled_from(sorted(TEMPLATES)),
        number=st.integers(0, 8),
        data=st.data(),
    )
    def send_two_at_once(
        self, tenant: str, first: str, second: str, number: int, data: st.DataObject
    ) -> None:
        """Let the other tenant's call run whole at a request of the first one's."""
        chosen = st.sampled_from(self.values)
        other = TENANTS[1 - TENANTS.index(tenant)]
        events = [
            TEMPLATES[template]("s", data.draw(chosen), data.draw(chosen))
            for template in (first, second)
        ]
        left = [number]

        def meanwhile(_operation: str, _detail: str) -> None:
            left[0] -= 1
            if left[0] == -1:
                self.step(other, events[1])

        self.s3.before = self.agentcore.before = meanwhile
        try:
            self.step(tenant, events[0])
        finally:
            self.s3.before = self.agentcore.before = lambda operation, detail: None

    @rule()
    def end_sandboxes(self) -> None:
        self.agentcore.end_all()

    def step(self, tenant: str, event: dict[str, Any]) -> None:
        type(self).steps += 1
        self.told[tenant] |= canaries(event)
        response = self.call(tenant, event)
        type(self).refused += response.get("error", {}).get("type") == "InvalidRequest"
        self.values += sorted(set(places(response)) - set(self.values))[:20]
        shown = {match[0] for match in CANARY.finditer(json.dumps(response))}
        for canary in shown - self.told[tenant]:
            self.violations.append(f"{tenant} was shown {canary} for {event}")

    @invariant()
    def nothing_of_the_other(self) -> None:
        assert not self.violations, self.violations[0]

    def teardown(self) -> None:
        shutil.rmtree(self.directory)


class FunctionForEach(TwoTenants):
    """A function and a prefix for each tenant, as in `examples/tenants.py`."""

    def application(self, tenant: str) -> Application:
        settings = Settings(
            INTERPRETER,
            BUCKET,
            f"tenants/{tenant}",
            f"sessions/tenants/{tenant}/{DEPLOYMENT}/",
            900,
            allow_delete=True,
        )
        return Application(settings, self.clients(tenant), lambda: None)

    def may_touch(self, tenant: str, key: str) -> bool:
        return key.startswith((f"tenants/{tenant}/", f"sessions/tenants/{tenant}/"))

    def uploads_of(self, tenant: str) -> str:
        return f"tenants/{tenant}/s/uploads"


class SessionForEach(TwoTenants):
    """One function, and a session whose name the platform sets: that of the tenant."""

    def application(self, tenant: str) -> Application:
        settings = Settings(
            INTERPRETER, BUCKET, "workspace", f"sessions/workspace/{DEPLOYMENT}/", 900, True
        )
        return Application(settings, self.clients(tenant), lambda: None)

    def may_touch(self, tenant: str, key: str) -> bool:
        record = f"sessions/workspace/{DEPLOYMENT}/{tenant}.json"
        return key == record or key.startswith(f"workspace/{tenant}/")

    def uploads_of(self, tenant: str) -> str:
        return f"workspace/{tenant}/uploads"

    def call(self, tenant: str, event: dict[str, Any]) -> Any:
        """Send a model's event through a Gateway, whose header has the tenant's session."""
        context: Any = Context(SECONDS)
        context.client_context = SimpleNamespace(
            custom={
                "bedrockAgentCoreToolName": f"target___{event.pop('tool')}",
                "bedrockAgentCorePropagatedHeaders": {"X-Code-Interpreter-Session": tenant},
            }
        )
        if event.get("session") == "s":
            del event["session"]
        return self.applications[tenant].handle(event, context)


def canaries(value: Any) -> set[str]:
    return {match[0] for match in CANARY.finditer(json.dumps(value))}


def places(response: Any) -> list[str]:
    """Return what a response says about sessions, pages, paths and URLs."""
    if isinstance(response, list):
        return [place for item in response for place in places(item)]
    if not isinstance(response, dict):
        return []
    names = ("session", "session_id", "next_token", "url", "path", "name")
    own = [response[name] for name in names if isinstance(response.get(name), str)]
    return own + [place for value in response.values() for place in places(value)]
