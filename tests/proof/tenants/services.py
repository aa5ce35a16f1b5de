"""AgentCore and S3 for two tenants, in memory, with every request told to an observer."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from code_interpreter_invoke.clients import Clients
from tests.fakes.agentcore import INTERPRETER, FakeAgentCore, FakeSandbox, text_result
from tests.fakes.s3 import BUCKET, FakeS3


@dataclass(frozen=True)
class Sent:
    """A request to a service.

    :ivar keys: Each key, and each prefix of keys, of a request to S3.
    :ivar session_id: The sandbox of a request to AgentCore, if it names one.
    :ivar text: All that the request carries.
    """

    operation: str
    text: str
    bucket: str = ""
    keys: tuple[str, ...] = ()
    session_id: str | None = None


class Observer(Protocol):
    """Sees the requests of an execution environment."""

    def sent(self, request: Sent) -> None:
        """Take a request before it is sent."""

    def started(self, session_id: str) -> None:
        """Take the id of a sandbox that a request has started."""


class Services(Protocol):
    """One code interpreter and one bucket, for both tenants.

    :ivar large: The bytes of a large file.
    """

    interpreter: str
    bucket: str
    large: int

    def clients(self, observer: Observer) -> Clients:
        """Return the clients of a new execution environment."""

    def put(self, key: str, content: bytes) -> None:
        """Store an object as the tenants' own programs do."""

    def use(self, method: str, url: str) -> str:
        """Send a request to a presigned URL, and return the text of the response."""

    def place_of(self, url: str) -> tuple[str, str]:
        """Return the bucket and the key of a presigned URL."""

    def end_sandboxes(self) -> None:
        """End every sandbox, as their timeout does."""

    def close(self) -> None:
        """Remove everything."""


class InMemory:
    """The services as fakes; a signed URL leads nowhere."""

    interpreter = INTERPRETER
    bucket = BUCKET
    large = 0

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="tenants-"))
        self._s3 = FakeS3()
        self._s3.page_size = 2
        self._agentcore = FakeAgentCore(self._directory)
        self._agentcore.sandbox_type = QuickSandbox

    def clients(self, observer: Observer) -> Clients:
        agentcore = Watched(self._agentcore, observer)
        return Clients(agentcore, agentcore, Watched(self._s3, observer))

    def put(self, key: str, content: bytes) -> None:
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def use(self, method: str, url: str) -> str:
        del method, url
        return ""

    def place_of(self, url: str) -> tuple[str, str]:
        return BUCKET, url.removeprefix("http://127.0.0.1:9/").partition("?")[0]

    def end_sandboxes(self) -> None:
        self._agentcore.end_all()

    def close(self) -> None:
        shutil.rmtree(self._directory)


class Watched:
    """A client whose requests are told before they are sent."""

    def __init__(self, client: Any, observer: Observer) -> None:
        self._client = client
        self._observer = observer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._client, name)

        def send(*arguments: Any, **members: Any) -> Any:
            # A signed URL is asked for with positional arguments.
            told = members or arguments[1]
            place = told.get("Key", told.get("Prefix"))
            keys = () if place is None else (place, told.get("StartAfter") or place)
            bucket, session_id = told.get("Bucket", ""), told.get("sessionId")
            self._observer.sent(Sent(name, str(told), bucket, keys, session_id))
            response = operation(*arguments, **members)
            if name == "start_code_interpreter_session":
                self._observer.started(response["sessionId"])
            return response

        return send


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
