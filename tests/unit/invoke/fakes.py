"""S3 and the code interpreter in memory, behind the methods of botocore's clients.

They are what the function's `clients` talk to in tests of its logic. What only the wire shows
(retries, timeouts, broken streams) is tested in `test_wire.py`.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import itertools
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from code_interpreter_invoke.application import InvokeFunction
from code_interpreter_invoke.clients import Clients
from code_interpreter_invoke.settings import Settings

BUCKET = "workspace-bucket"
PREFIX = "workspace"
INTERPRETER = "analysis-0123456789"


def client_error(code: str, status: int, operation: str, message: str = "no") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        operation,
    )


class Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


class Stream:
    """An event stream."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self._events = events
        self.closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from self._events

    def close(self) -> None:
        self.closed = True


class FakeS3:
    """The S3 operations the function uses, with their conditions, and the order they came in."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str, datetime.datetime]] = {}
        self.calls: list[tuple[str, str]] = []
        self.page_size = 1000
        self.lock = threading.RLock()
        # Called with the operation's name and key before and after it is applied; may raise.
        self.before: Callable[[str, str], None] = lambda operation, key: None
        self.after: Callable[[str, str], None] = lambda operation, key: None

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        ContentType: str = "",  # noqa: ARG002 - boto3's callers name it
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
    ) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("PutObject", Key)
        with self.lock:
            present = self.objects.get(Key)
            if IfNoneMatch and present:
                raise client_error("PreconditionFailed", 412, "PutObject")
            if IfMatch and present is None:
                raise client_error("NoSuchKey", 404, "PutObject")
            if IfMatch and present and present[1] != IfMatch:
                raise client_error("PreconditionFailed", 412, "PutObject")
            etag = f'"{hashlib.md5(Body).hexdigest()}"'
            self.objects[Key] = (Body, etag, datetime.datetime.now(datetime.UTC))
        self.after("PutObject", Key)
        return {"ETag": etag}

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("GetObject", Key)
        with self.lock:
            if Key not in self.objects:
                raise client_error("NoSuchKey", 404, "GetObject")
            content, etag, _ = self.objects[Key]
        answer = {"ETag": etag, "ContentLength": len(content), "Body": Body(content)}
        if Range:
            first, last = (int(part) for part in Range.removeprefix("bytes=").split("-"))
            if first >= len(content):
                raise client_error("InvalidRange", 416, "GetObject")
            part = content[first : last + 1]
            answer |= {
                "ContentLength": len(part),
                "ContentRange": f"bytes {first}-{first + len(part) - 1}/{len(content)}",
                "Body": Body(part),
            }
        return answer

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("HeadObject", Key)
        content, etag, _ = self.objects[Key]
        return {"ETag": etag, "ContentLength": len(content)}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str,
        StartAfter: str,
    ) -> dict[str, Any]:
        assert Bucket == BUCKET
        self._begin("ListObjectsV2", Prefix)
        with self.lock:
            keys = sorted(
                key for key in self.objects if key.startswith(Prefix) and key > StartAfter
            )
            page = keys[: self.page_size]
            contents = [
                {
                    "Key": key,
                    "Size": len(self.objects[key][0]),
                    "ETag": self.objects[key][1],
                    "LastModified": self.objects[key][2],
                }
                for key in page
            ]
        return {
            "Contents": contents,
            "KeyCount": len(contents),
            "IsTruncated": len(page) < len(keys),
        }

    def generate_presigned_url(
        self, operation: str, parameters: dict[str, Any], seconds: int
    ) -> str:
        """Nobody listens there: as for a sandbox that cannot reach S3."""
        assert parameters["Bucket"] == BUCKET
        assert 0 < seconds <= 900
        self._begin(f"presigned {operation}", parameters["Key"])
        return f"http://127.0.0.1:9/{parameters['Key']}?X-Amz-Signature=secret"

    def create_multipart_upload(
        self,
        *,
        Bucket: str,  # noqa: ARG002 - boto3's callers name it
        Key: str,
        ContentType: str,  # noqa: ARG002 - boto3's callers name it
    ) -> dict[str, Any]:
        self._begin("CreateMultipartUpload", Key)
        self.parts: dict[int, bytes] = {}
        return {"UploadId": "the-upload"}

    def upload_part(
        self,
        *,
        Bucket: str,  # noqa: ARG002 - boto3's callers name it
        Key: str,
        UploadId: str,
        PartNumber: int,
        Body: bytes,
    ) -> dict[str, Any]:
        assert UploadId == "the-upload"
        self._begin("UploadPart", Key)
        self.parts[PartNumber] = Body
        return {"ETag": f'"{PartNumber}"'}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        MultipartUpload: dict[str, Any],
    ) -> dict[str, Any]:
        assert UploadId == "the-upload"
        numbers = [part["PartNumber"] for part in MultipartUpload["Parts"]]
        assert [part["ETag"] for part in MultipartUpload["Parts"]] == [f'"{n}"' for n in numbers]
        assert all(len(self.parts[number]) >= 5 * 1024 * 1024 for number in numbers[:-1])
        self.put_object(Bucket=Bucket, Key=Key, Body=b"".join(self.parts[n] for n in numbers))
        return {}

    def _begin(self, operation: str, key: str) -> None:
        with self.lock:
            self.calls.append((operation, key))
        self.before(operation, key)

    # What tests say and ask.

    def upload(self, session: str, path: str, content: bytes) -> None:
        key = f"{PREFIX}/{session}/uploads/{path}"
        self.put_object(Bucket=BUCKET, Key=key, Body=content)

    def saved(self, session: str) -> dict[str, bytes]:
        folder = f"{PREFIX}/{session}/code-interpreter/"
        return {
            key.removeprefix(folder): content
            for key, (content, _, _) in self.objects.items()
            if key.startswith(folder)
        }

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]


class FakeSandbox:
    """A session's folder and variables. Code is Python; commands are bash's."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        (directory / "log").mkdir()
        (directory / ".service").write_text("the service's own")
        self.variables: dict[str, Any] = {"here": directory}
        self.alive = True

    def invoke(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        operation: Callable[..., dict[str, Any]] = getattr(self, name)
        return operation(arguments)

    def executeCode(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        out, error = io.StringIO(), ""
        with contextlib.redirect_stdout(out):
            try:
                exec(arguments["code"], self.variables)
            except Exception:
                error = traceback.format_exc(limit=0)
        printed = out.getvalue().removesuffix("\n")
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

    def executeCommand(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        done = subprocess.run(
            ["bash", "-c", arguments["command"]],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        printed = done.stdout.decode().replace("\n", "\r\n")
        failed = done.returncode != 0
        return {
            "content": [{"type": "text", "text": printed}],
            "structuredContent": {
                "stdout": "" if failed else printed,
                "stderr": printed if failed else "",
                "exitCode": done.returncode,
                "executionTime": 0.01,
            },
            "isError": failed,
        }

    def writeFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for file in arguments["content"]:
            path = self.directory / file["path"]
            if path.is_dir():
                return text_result(f"{file['path']} is a directory", error=True)
        for file in arguments["content"]:
            path = self.directory / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file["blob"] if "blob" in file else file["text"].encode())
        return text_result(f"Successfully wrote all {len(arguments['content'])} files")

    def readFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
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

    def listFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
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

    def removeFiles(self, arguments: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
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
        self.sandboxes: dict[str, FakeSandbox] = {}
        self.calls: list[tuple[str, str]] = []
        # What an operation answers instead of being carried out, and its last arguments.
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
        assert codeInterpreterIdentifier == INTERPRETER
        assert 33 <= len(clientToken) <= 256
        self._begin("Start", name)
        self.started_with = {"sessionTimeoutSeconds": sessionTimeoutSeconds, **options}
        with self.lock:
            session_id = self._tokens.get(clientToken) if self.honours_tokens else None
            if session_id is None:
                session_id = f"{next(self._numbers):026d}"
                self.sandboxes[session_id] = FakeSandbox(self._directory / session_id)
                self._tokens[clientToken] = session_id
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
        assert codeInterpreterIdentifier == INTERPRETER
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
        assert codeInterpreterIdentifier == INTERPRETER
        self.trace = trace
        self._begin(name, sessionId)
        if not self._alive(sessionId):
            raise client_error("ResourceNotFoundException", 404, "InvokeCodeInterpreter")
        self.arguments = arguments
        result = self.results.get(name) or self.sandboxes[sessionId].invoke(name, arguments)
        self.after(name, sessionId)
        return {"sessionId": sessionId, "stream": Stream([{"result": result}])}

    def get_code_interpreter_session(
        self,
        *,
        codeInterpreterIdentifier: str,
        sessionId: str,
    ) -> dict[str, Any]:
        assert codeInterpreterIdentifier == INTERPRETER
        self._begin("Get", sessionId)
        return self._summary(sessionId)

    def list_code_interpreter_sessions(
        self,
        *,
        codeInterpreterIdentifier: str,
        maxResults: int,  # noqa: ARG002 - boto3's callers name it
        status: str | None = None,
        nextToken: str = "0",
    ) -> dict[str, Any]:
        assert codeInterpreterIdentifier == INTERPRETER
        self._begin("List", nextToken)
        found = [self._summary(session_id) for session_id in self.sandboxes]
        found = [item for item in found if status in (None, item["status"])]
        index = int(nextToken)
        more = {"nextToken": str(index + 1)} if index + 1 < len(found) else {}
        return {"items": found[index : index + 1], **more}

    def _summary(self, session_id: str) -> dict[str, Any]:
        return {
            "sessionId": session_id,
            "status": "READY" if self._alive(session_id) else "TERMINATED",
            "createdAt": datetime.datetime.now(datetime.UTC),
        }

    def _alive(self, session_id: str) -> bool:
        return session_id in self.sandboxes and self.sandboxes[session_id].alive

    def _begin(self, operation: str, detail: str) -> None:
        with self.lock:
            self.calls.append((operation, detail))
        self.before(operation, detail)

    # What tests say and ask.

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    @property
    def running(self) -> list[FakeSandbox]:
        return [sandbox for sandbox in self.sandboxes.values() if sandbox.alive]

    def end_all(self) -> None:
        """What the end of their time does to sessions."""
        for sandbox in self.sandboxes.values():
            sandbox.alive = False


class Context:
    """Lambda's context object."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"
    client_context: Any = None

    def __init__(self, seconds: float = 60) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self._seconds * 1000)


class World:
    """The two services and any number of function instances before them."""

    def __init__(self, directory: Path) -> None:
        self.s3 = FakeS3()
        self.agentcore = FakeAgentCore(directory)
        self.settings = Settings(INTERPRETER, BUCKET, PREFIX, 900)
        self.function = self.new_function()

    def new_function(self) -> InvokeFunction:
        """Another instance of the function, which remembers nothing."""
        clients = Clients(
            agentcore_single_attempt=self.agentcore, agentcore=self.agentcore, s3=self.s3
        )
        return InvokeFunction(self.settings, clients)

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.function({"tool": tool, **arguments}, Context())

    def ok(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = self(tool, **arguments)
        assert answer["status"] == "ok", answer
        return answer

    def forget_calls(self) -> None:
        self.s3.calls.clear()
        self.agentcore.calls.clear()
