"""Requests to the invoke function whose responses `test_golden_responses.py` compares.

Each row is a request as every caller sends it, with the services as it finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from tests.fakes.agentcore import text_result
from tests.fakes.client_error import client_error
from tests.fakes.s3 import BUCKET, PREFIX
from tests.fakes.world import World

CALLERS = ("direct", "gateway", "agent")
SESSION = "s"

Arrange = Callable[[World], None]


class Case(NamedTuple):
    """A row of the table.

    `before` are direct requests of the same session that come first, and `arrange` then changes
    the services. A caller that has no way to say the same is left out of `callers`.
    """

    tool: str
    name: str
    arguments: dict[str, Any]
    before: tuple[dict[str, Any], ...] = ()
    arrange: tuple[Arrange, ...] = ()
    session: str | None = SESSION
    callers: tuple[str, ...] = CALLERS


# An agent always has a session.
SESSIONLESS_CALLERS = ("direct", "gateway")


def code(text: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": "execute_code", "code": text, **arguments}


SLOW_DOWN = client_error("SlowDown", 503, "PutObject")


def fail(operation: str, error: Exception, *, when: str = "before", key: str = "") -> Arrange:
    """Let an operation of either service raise, before or after it is applied."""

    def raise_error(called: str, detail: str) -> None:
        if called == operation and key in detail:
            raise error

    def arrange(world: World) -> None:
        setattr(world.agentcore, when, raise_error)
        setattr(world.s3, when, raise_error)

    return arrange


def result(operation: str, value: dict[str, Any]) -> Arrange:
    """Let an operation of the code interpreter return a result without being carried out."""
    return lambda world: world.agentcore.results.update({operation: value})


def upload(path: str, content: bytes) -> Arrange:
    return lambda world: world.s3.upload(SESSION, path, content)


def saved(path: str, content: bytes) -> Arrange:
    """Let the session have saved a file."""

    def arrange(world: World) -> None:
        key = f"{PREFIX}/{SESSION}/code-interpreter/{path}"
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    return arrange


def switch_deletion_off(world: World) -> None:
    world.settings = world.settings._replace(allow_delete=False)
    world.function = world.new_function()


def refuse_links(world: World) -> None:
    world.settings = world.settings._replace(allow_links=False)
    world.function = world.new_function()


def end_sandboxes(world: World) -> None:
    world.agentcore.end_all()


def end_sandboxes_after_code(world: World) -> None:
    def end(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            world.agentcore.end_all()

    world.agentcore.after = end


def fail_to_record(world: World) -> None:
    """Let the record of a response fail that is written after code has run."""

    def after(operation: str, _detail: str) -> None:
        if operation == "executeCode":
            fail("PutObject", SLOW_DOWN, key="sessions/")(world)

    world.agentcore.after = after


def two_objects_a_page(world: World) -> None:
    world.s3.page_size = 2


STARTED = (code("x = 1"),)
FILES = (
    code(
        "(here / 'data').mkdir(); (here / 'data/a.csv').write_text('a,b\\n1,2\\n');"
        "(here / 'b.txt').write_text('text \\u00fc');"
        "(here / 'c.bin').write_bytes(b'\\x00\\xff')"
    ),
)
THROTTLED = client_error("ThrottlingException", 429, "InvokeCodeInterpreter")
DENIED = client_error("AccessDeniedException", 403, "InvokeCodeInterpreter")
NOT_VALID = client_error("ValidationException", 400, "InvokeCodeInterpreter")
INTERNAL = client_error("InternalServerException", 500, "InvokeCodeInterpreter")
S3_DENIED = client_error("AccessDenied", 403, "PutObject")
LARGE = "print('x' * 7_000_000)"
LARGE_FOR_AGENTS = "print('x' * 30_000)"
IMAGE = {
    "content": [{"type": "image", "data": b"\x89PNG", "mimeType": "image/png"}],
    "structuredContent": {"stdout": "", "stderr": "", "exitCode": 0},
    "isError": False,
}
SECRET = {"location": {"secretsManager": {"secretArn": "arn:aws:secretsmanager:x:1:secret:ca"}}}
MOUNT = {"accessPointArn": "ap", "fileSystemArn": "fs", "mountPath": "/mnt/data"}
TASK = {
    "content": [{"type": "text", "text": "Task is working"}],
    "structuredContent": {"taskId": "7", "taskStatus": "working", "stdout": "so far"},
    "isError": False,
}
FAILED_TASK = {
    "content": [],
    "structuredContent": {"taskStatus": "failed", "stdout": "so far", "exitCode": 2},
    "isError": True,
}


def execute_code(name: str, text: str, **details: Any) -> Case:
    arguments = {"code": text, **details.pop("arguments", {})}
    return Case("execute_code", name, arguments, **details)


def execute_command(name: str, line: str, **details: Any) -> Case:
    arguments = {"command": line, **details.pop("arguments", {})}
    return Case("execute_command", name, arguments, **details)


def file_operations(name: str, operation: str, **details: Any) -> Case:
    arguments = {"operation": operation, **details.pop("arguments", {})}
    return Case("file_operations", name, arguments, **details)


def push(name: str, arguments: dict[str, Any], **details: Any) -> Case:
    return Case("ci_push_to_workspace", name, arguments, **details)


def pull(name: str, arguments: dict[str, Any], **details: Any) -> Case:
    return Case("ci_pull_from_workspace", name, arguments, **details)


def invoke(name: str, operation: str, arguments: dict[str, Any] | None, **details: Any) -> Case:
    given = {"name": operation, **details.pop("beside", {})}
    if arguments is not None:
        given["arguments"] = arguments
    return Case("invoke_code_interpreter", name, given, **details)


KEY = {"idempotency_key": "order-17"}
OUTPUT = {"output_filename": "chart.txt"}
WRITE_OUTPUT = "(here / 'chart.txt').write_text('chart'); print('done')"

CASES = (
    # execute_code.
    execute_code("ok", "print('out')"),
    execute_code("without session", "print(1)", session=None, callers=SESSIONLESS_CALLERS),
    execute_code("other language", "x = 1", arguments={"language": "typescript"}),
    execute_code("output file", WRITE_OUTPUT, arguments=OUTPUT),
    execute_code(
        "output file without session",
        WRITE_OUTPUT,
        arguments=OUTPUT,
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    execute_code("output file missing", "print('done')", arguments=OUTPUT),
    execute_code("output folder empty", "x = 1", arguments={"output_filename": "log"}),
    execute_code(
        "output file that is a link",
        "(here / 'chart.txt').symlink_to('/etc/hostname')",
        arguments=OUTPUT,
    ),
    execute_code(
        "output file that the bucket does not take",
        WRITE_OUTPUT,
        arguments=OUTPUT,
        arrange=(fail("PutObject", SLOW_DOWN, key="code-interpreter"),),
    ),
    execute_code(
        "sandbox ends before saving",
        WRITE_OUTPUT,
        arguments=OUTPUT,
        before=STARTED,
        arrange=(end_sandboxes_after_code,),
    ),
    execute_code("images", "plot()", before=STARTED, arrange=(result("executeCode", IMAGE),)),
    execute_code("failing", "print('before'); raise ValueError('broken')"),
    execute_code(
        "failing without session",
        "raise ValueError('broken')",
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    execute_code("session restarted", "print(2)", before=STARTED, arrange=(end_sandboxes,)),
    execute_code(
        "failing after a restart",
        "raise ValueError('broken')",
        before=STARTED,
        arrange=(end_sandboxes,),
    ),
    execute_code(
        "upload that cannot be loaded", "print(1)", arrange=(upload("log", b"in the way"),)
    ),
    execute_code(
        "time limit beyond the end of the sandbox",
        "x = 1",
        arguments={"timeout_seconds": 600},
        before=({"tool": "start_session", "session_timeout_seconds": 60},),
    ),
    execute_code("too large", LARGE),
    execute_code("too large without session", LARGE, session=None, callers=("direct",)),
    execute_code(
        "too large and failing",
        f"{LARGE_FOR_AGENTS}; raise ValueError('broken')",
        callers=("agent",),
    ),
    execute_code(
        "too large and not kept",
        LARGE_FOR_AGENTS,
        arrange=(fail("PutObject", SLOW_DOWN, key="code-interpreter/"),),
        callers=("agent",),
    ),
    execute_code("idempotency key", "print(1)", arguments=KEY, callers=("direct",)),
    execute_code(
        "idempotency key repeated",
        "print(1)",
        arguments=KEY,
        before=(code("print(1)", **KEY),),
        callers=("direct",),
    ),
    execute_code(
        "idempotency key of a failure repeated",
        "raise ValueError('broken')",
        arguments=KEY,
        before=(code("raise ValueError('broken')", **KEY),),
        callers=("direct",),
    ),
    execute_code(
        "idempotency key of another request",
        "print(2)",
        arguments=KEY,
        before=(code("print(1)", **KEY),),
        callers=("direct",),
    ),
    execute_code(
        "idempotency key not recorded",
        "print(1)",
        arguments=KEY,
        before=STARTED,
        arrange=(fail_to_record,),
        callers=("direct",),
    ),
    execute_code(
        "idempotency key too long",
        "x",
        arguments={"idempotency_key": "k" * 257},
        callers=("direct",),
    ),
    execute_code("idempotency key from a platform", "x", arguments=KEY, callers=CALLERS[1:]),
    execute_code(
        "session from a model", "x", arguments={"session": "another"}, callers=CALLERS[1:]
    ),
    execute_code("trace not allowed", "x", arguments={"trace_id": "a\nb"}, callers=("direct",)),
    execute_code("session name not allowed", "print(1)", session="a/../b"),
    execute_code("null argument", "print(1)", arguments={"language": None}, callers=("direct",)),
    execute_code("half of a surrogate pair", "\ud800"),
    execute_code("unknown argument", "x", arguments={"timeout_second": 5}),
    execute_code("wrong type", "x", arguments={"timeout_seconds": "soon"}),
    execute_code("below minimum", "x", arguments={"timeout_seconds": 0}),
    execute_code("above maximum", "x", arguments={"timeout_seconds": 901}),
    execute_code("language not allowed", "x", arguments={"language": "pyton"}),
    execute_code("output file elsewhere", "x", arguments={"output_filename": "../x"}),
    Case("execute_code", "missing argument", {}),
    execute_code("throttled", "x", arrange=(fail("executeCode", THROTTLED),)),
    execute_code("denied", "x", arrange=(fail("executeCode", DENIED),)),
    execute_code("refused", "x", arrange=(fail("executeCode", NOT_VALID),)),
    execute_code("internal error", "x", arrange=(fail("executeCode", INTERNAL),)),
    execute_code(
        "connection lost",
        "x = 1",
        arrange=(fail("executeCode", ConnectionResetError(), when="after"),),
    ),
    # As when nothing more comes of the stream, without the wait for it.
    execute_code(
        "timed out",
        "x",
        arguments={"timeout_seconds": 5},
        arrange=(fail("executeCode", TimeoutError()),),
    ),
    execute_code(
        "timed out without session",
        "x",
        arguments={"timeout_seconds": 5},
        arrange=(fail("executeCode", TimeoutError()),),
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    execute_code("start throttled", "x", arrange=(fail("Start", THROTTLED),)),
    execute_code("start denied", "x", arrange=(fail("Start", DENIED),)),
    execute_code(
        "no code interpreter",
        "x",
        arrange=(fail("Start", client_error("ResourceNotFoundException", 404, "Start")),),
    ),
    execute_code(
        "start throttled without session",
        "x",
        arrange=(fail("Start", THROTTLED),),
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    execute_code("bucket denied", "x", arrange=(fail("PutObject", S3_DENIED),)),
    execute_code("defect of the function", "x", arrange=(fail("Start", KeyError("secret")),)),
    # execute_command.
    execute_command("ok", "echo hello"),
    execute_command("without session", "echo hello", session=None, callers=SESSIONLESS_CALLERS),
    execute_command("failing", "echo hello; exit 3"),
    execute_command("within its time", "echo hello", arguments={"timeout_seconds": 60}),
    execute_command(
        "failing within its time", "echo hello; exit 7", arguments={"timeout_seconds": 60}
    ),
    execute_command("time is up", "echo begun; sleep 60", arguments={"timeout_seconds": 1}),
    execute_command("too long", "x" * 120_001),
    execute_command("too large", "printf 'x%.0s' $(seq 30000)"),
    execute_command(
        "idempotency key repeated",
        "echo hello",
        arguments=KEY,
        before=({"tool": "execute_command", "command": "echo hello", **KEY},),
        callers=("direct",),
    ),
    execute_command("throttled", "ls", arrange=(fail("executeCommand", THROTTLED),)),
    execute_command(
        "connection lost",
        "echo hello",
        arrange=(fail("executeCommand", ConnectionResetError(), when="after"),),
    ),
    Case("execute_command", "missing argument", {}),
    # file_operations.
    file_operations(
        "read", "read", arguments={"paths": ["b.txt", "data/a.csv", "c.bin"]}, before=FILES
    ),
    file_operations("read missing", "read", arguments={"paths": ["b.txt", "no"]}, before=FILES),
    file_operations("read nothing", "read"),
    file_operations("read elsewhere", "read", arguments={"paths": ["/etc/passwd"]}),
    file_operations(
        "read too large",
        "read",
        arguments={"paths": ["f"]},
        before=(code("(here / 'f').write_bytes(b'\\xff' * 6_000_000)"),),
    ),
    file_operations(
        "write",
        "write",
        arguments={
            "content": [{"path": "a/b", "text": "text"}, {"path": "c", "blob": "AP8="}],
        },
    ),
    file_operations("write text", "write", arguments={"path": "a.txt", "text": "x"}),
    file_operations("write content as text", "write", arguments={"path": "a", "content": "x"}),
    file_operations("write nothing", "write"),
    file_operations("write neither", "write", arguments={"content": [{"path": "a"}]}),
    file_operations(
        "write no base64", "write", arguments={"content": [{"path": "a", "blob": "no base64"}]}
    ),
    file_operations("write without path", "write", arguments={"content": [{"text": "a"}]}),
    file_operations("write text for JSON", "write", arguments={"content": "[{path=a}]"}),
    file_operations(
        "write over a folder", "write", arguments={"content": [{"path": "log", "text": "a"}]}
    ),
    file_operations("list", "list", before=FILES),
    file_operations("list folders", "list", arguments={"paths": ["data", "log/"]}, before=FILES),
    file_operations("list missing", "list", arguments={"paths": ["no"]}),
    file_operations("remove", "remove", arguments={"paths": ["b.txt", "c.bin"]}, before=FILES),
    file_operations("path and paths", "remove", arguments={"path": "a", "paths": ["b"]}),
    file_operations("remove missing", "remove", arguments={"paths": ["no"]}),
    file_operations("unknown operation", "rename"),
    file_operations("paths of a wrong type", "read", arguments={"paths": [7]}),
    file_operations("without session", "list", session=None, callers=SESSIONLESS_CALLERS),
    file_operations("session restarted", "list", before=STARTED, arrange=(end_sandboxes,)),
    # ci_push_to_workspace.
    push("everything", {}, before=FILES),
    push("nothing there", {}, before=STARTED),
    push("paths", {"paths": ["data", "b.txt"]}, before=FILES),
    push("paths in part", {"paths": ["b.txt", "no"]}, before=FILES),
    push("paths missing", {"paths": ["no"]}, before=FILES),
    push("folder without files", {"paths": ["log"]}, before=FILES),
    push("path elsewhere", {"paths": ["../x"]}),
    push("without session", {}, session=None, callers=SESSIONLESS_CALLERS),
    push(
        "bucket failing",
        {"paths": ["b.txt"]},
        before=FILES,
        arrange=(fail("PutObject", SLOW_DOWN, key="code-interpreter"),),
    ),
    # ci_pull_from_workspace.
    pull("everything", {}, arrange=(saved("a.csv", b"1"), saved("data/b.bin", b"\xff"))),
    pull("nothing there", {}),
    pull("paths", {"paths": ["uploads/d.csv"]}, arrange=(upload("d.csv", b"1"),)),
    pull("in part", {}, arrange=(saved("a.csv", b"1"), saved("log", b"1"))),
    pull("paths missing", {"paths": ["code-interpreter/no.csv", "uploads/no.csv"]}),
    pull("path elsewhere", {"paths": ["../other/uploads/x"]}),
    pull("path outside the folders", {"paths": ["chart.csv"]}),
    pull(
        "two files for one",
        {"paths": ["code-interpreter/d.csv", "uploads/d.csv"]},
        arrange=(upload("d.csv", b"1"), saved("d.csv", b"2")),
    ),
    pull(
        "session restarted",
        {},
        before=(*FILES, {"tool": "ci_push_to_workspace"}),
        arrange=(end_sandboxes,),
    ),
    pull("without session", {}, session=None, callers=SESSIONLESS_CALLERS),
    # workspace_delete.
    Case("workspace_delete", "file", {"path": "uploads/d.csv"}, arrange=(upload("d.csv", b"1"),)),
    Case(
        "workspace_delete",
        "files",
        {"paths": ["uploads/d.csv", "code-interpreter/e.csv"]},
        arrange=(upload("d.csv", b"1"), saved("e.csv", b"2")),
        callers=("direct",),
    ),
    Case("workspace_delete", "missing", {"path": "uploads/no.csv"}, callers=("direct",)),
    Case("workspace_delete", "nothing", {}, callers=("direct",)),
    Case("workspace_delete", "elsewhere", {"path": "../other/uploads/x"}, callers=("direct",)),
    Case(
        "workspace_delete",
        "switched off",
        {"path": "uploads/d.csv"},
        arrange=(switch_deletion_off,),
        callers=("direct",),
    ),
    Case(
        "workspace_delete",
        "bucket denied",
        {"path": "uploads/d.csv"},
        arrange=(
            upload("d.csv", b"1"),
            fail("DeleteObject", client_error("AccessDenied", 403, "DeleteObject")),
        ),
        callers=("direct",),
    ),
    # workspace_link.
    Case(
        "workspace_link",
        "download",
        {"path": "uploads/d.csv", "direction": "download"},
        arrange=(upload("d.csv", b"1"),),
    ),
    Case(
        "workspace_link",
        "upload",
        {"path": "uploads/d.csv", "direction": "upload", "size": 7},
        callers=("direct",),
    ),
    Case(
        "workspace_link",
        "upload of any size",
        {"path": "uploads/d.csv", "direction": "upload"},
        callers=("direct",),
    ),
    Case(
        "workspace_link",
        "missing",
        {"path": "uploads/no.csv", "direction": "download"},
        callers=("direct",),
    ),
    Case(
        "workspace_link",
        "above maximum",
        {"path": "uploads/d.csv", "direction": "download", "expires_in_seconds": 901},
        callers=("direct",),
    ),
    Case(
        "workspace_link",
        "sealed",
        {"path": "uploads/d.csv", "direction": "download"},
        arrange=(refuse_links,),
        callers=("direct",),
    ),
    # workspace_list.
    Case("workspace_list", "empty", {}),
    Case(
        "workspace_list",
        "files that no tool can use",
        {},
        arrange=(upload("a//b", b"1"), upload("win\\x", b"1")),
    ),
    Case(
        "workspace_list",
        "everything",
        {},
        before=(*FILES, {"tool": "ci_push_to_workspace"}),
        arrange=(upload("d.csv", b"1,2"),),
    ),
    Case(
        "workspace_list",
        "folder",
        {"path": "uploads/data"},
        arrange=(upload("data/d.csv", b"1,2"), upload("e.csv", b"")),
    ),
    Case(
        "workspace_list",
        "first page",
        {},
        arrange=(*(upload(name, b"1") for name in "abc"), two_objects_a_page),
    ),
    Case(
        "workspace_list",
        "last page",
        {"next_token": "dXBsb2Fkcy9i"},
        arrange=(*(upload(name, b"1") for name in "abc"), two_objects_a_page),
    ),
    Case("workspace_list", "elsewhere", {"path": "../other"}),
    Case("workspace_list", "without session", {}, session=None, callers=SESSIONLESS_CALLERS),
    Case(
        "workspace_list",
        "bucket denied",
        {},
        arrange=(fail("ListObjectsV2", client_error("AccessDenied", 403, "ListObjectsV2")),),
    ),
    # workspace_read.
    Case(
        "workspace_read",
        "text",
        {"path": "uploads/d.csv"},
        arrange=(upload("d.csv", "a,\u00fc\n".encode()),),
    ),
    Case(
        "workspace_read",
        "binary",
        {"path": "uploads/d.bin"},
        arrange=(upload("d.bin", b"\x00\xff"),),
    ),
    Case(
        "workspace_read",
        "offset",
        {"path": "uploads/d.csv", "offset": 2},
        arrange=(upload("d.csv", b"a,b\n"),),
    ),
    Case(
        "workspace_read",
        "offset at the end",
        {"path": "uploads/d.csv", "offset": 4},
        arrange=(upload("d.csv", b"a,b\n"),),
    ),
    Case(
        "workspace_read",
        "large text",
        {"path": "uploads/d"},
        arrange=(upload("d", b"x" * 6_000_000),),
    ),
    Case(
        "workspace_read",
        "large binary",
        {"path": "uploads/d"},
        arrange=(upload("d", b"\xff" * 6_000_000),),
    ),
    Case("workspace_read", "missing", {"path": "uploads/no"}),
    Case("workspace_read", "not in the workspace", {"path": "other/no"}),
    Case("workspace_read", "offset of a wrong type", {"path": "uploads/d", "offset": "five"}),
    Case("workspace_read", "negative offset", {"path": "uploads/d", "offset": -1}),
    Case("workspace_read", "missing argument", {}),
    Case(
        "workspace_read",
        "without session",
        {"path": "uploads/d"},
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    # workspace_write.
    Case("workspace_write", "text", {"path": "uploads/d.csv", "content": "a,\u00fc\n"}),
    Case(
        "workspace_write",
        "base64",
        {"path": "code-interpreter/d.bin", "content": "AP8=", "encoding": "base64"},
    ),
    Case(
        "workspace_write",
        "no base64",
        {"path": "uploads/d.bin", "content": "no base64", "encoding": "base64"},
    ),
    Case(
        "workspace_write",
        "unknown encoding",
        {"path": "uploads/d.bin", "content": "x", "encoding": "utf-8"},
    ),
    Case("workspace_write", "not in the workspace", {"path": "d.csv", "content": "x"}),
    Case(
        "workspace_write",
        "bucket failing",
        {"path": "uploads/d.csv", "content": "x"},
        arrange=(fail("PutObject", SLOW_DOWN),),
    ),
    Case(
        "workspace_write",
        "idempotency key repeated",
        {"path": "uploads/d.csv", "content": "x", **KEY},
        before=({"tool": "workspace_write", "path": "uploads/d.csv", "content": "x", **KEY},),
        callers=("direct",),
    ),
    Case(
        "workspace_write",
        "without session",
        {"path": "uploads/d.csv", "content": "x"},
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    # invoke_code_interpreter.
    invoke("executeCode", "executeCode", {"code": "print(1)", "language": "python"}),
    invoke(
        "executeCode without session",
        "executeCode",
        {"code": "print(1)"},
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    invoke("executeCode failing", "executeCode", {"code": "raise ValueError('broken')"}),
    invoke(
        "executeCode images",
        "executeCode",
        {"code": "plot()"},
        before=STARTED,
        arrange=(result("executeCode", IMAGE),),
    ),
    invoke(
        "executeCode timed out",
        "executeCode",
        {"code": "x"},
        beside={"timeout_seconds": 5},
        arrange=(fail("executeCode", TimeoutError()),),
    ),
    invoke("executeCode too large", "executeCode", {"code": LARGE_FOR_AGENTS}, callers=("agent",)),
    invoke("executeCommand", "executeCommand", {"command": "echo hello"}),
    invoke("executeCommand failing", "executeCommand", {"command": "echo hello; exit 3"}),
    invoke("readFiles", "readFiles", {"paths": ["b.txt", "c.bin"]}, before=FILES),
    invoke("readFiles missing", "readFiles", {"paths": ["no"]}),
    invoke(
        "writeFiles",
        "writeFiles",
        {"content": [{"path": "a", "text": "x"}, {"path": "b", "blob": "AP8="}]},
    ),
    invoke("writeFiles neither", "writeFiles", {"content": [{"path": "a"}]}),
    invoke("listFiles", "listFiles", {"directoryPath": "data"}, before=FILES),
    invoke(
        "no arguments",
        "listFiles",
        None,
        before=STARTED,
        arrange=(result("listFiles", text_result("done")),),
    ),
    invoke(
        "listFiles timed out",
        "listFiles",
        {"directoryPath": "."},
        beside={"timeout_seconds": 5},
        arrange=(fail("listFiles", TimeoutError()),),
        before=STARTED,
    ),
    invoke("removeFiles", "removeFiles", {"paths": ["b.txt"]}, before=FILES),
    invoke(
        "startCommandExecution",
        "startCommandExecution",
        {"command": "sleep 1"},
        arrange=(result("startCommandExecution", TASK),),
    ),
    invoke("getTask", "getTask", {"taskId": "7"}, arrange=(result("getTask", TASK),)),
    invoke("getTask failed", "getTask", {"taskId": "7"}, arrange=(result("getTask", FAILED_TASK),)),
    invoke(
        "getTask missing",
        "getTask",
        {"taskId": "7"},
        arrange=(result("getTask", text_result("unknown task", error=True)),),
    ),
    invoke(
        "stopTask", "stopTask", {"taskId": "7"}, arrange=(result("stopTask", text_result("done")),)
    ),
    invoke(
        "getTask without session",
        "getTask",
        {"taskId": "7"},
        session=None,
        callers=SESSIONLESS_CALLERS,
    ),
    invoke("unknown operation", "runCode", {}),
    invoke("unknown argument", "executeCode", {"codes": "x"}),
    Case(
        "invoke_code_interpreter",
        "arguments of a wrong type",
        {"name": "executeCode", "arguments": "{"},
    ),
    # Sessions.
    Case("start_session", "ok", {}),
    Case(
        "start_session",
        "options",
        {
            "session_timeout_seconds": 60,
            "certificates": [SECRET],
            "filesystems": [{"efsConfiguration": MOUNT}],
        },
    ),
    Case("start_session", "already started", {}, before=STARTED),
    Case(
        "start_session",
        "already started with other options",
        {"session_timeout_seconds": 60},
        before=STARTED,
    ),
    Case("start_session", "file system without a kind", {"filesystems": [{}]}),
    Case(
        "start_session",
        "incomplete file system",
        {"filesystems": [{"efsConfiguration": {"mountPath": "/mnt/data"}}]},
    ),
    Case("start_session", "above maximum", {"session_timeout_seconds": 28801}),
    Case("start_session", "without session", {}, session=None, callers=SESSIONLESS_CALLERS),
    Case("start_session", "refused", {}, arrange=(fail("Start", NOT_VALID),)),
    Case("start_session", "throttled", {}, arrange=(fail("Start", THROTTLED),)),
    Case("get_session", "ok", {}, before=STARTED),
    Case("get_session", "ended", {}, before=STARTED, arrange=(end_sandboxes,)),
    Case("get_session", "never started", {}),
    Case("get_session", "without session", {}, session=None, callers=SESSIONLESS_CALLERS),
    Case("get_session", "throttled", {}, before=STARTED, arrange=(fail("Get", THROTTLED),)),
    Case("stop_session", "ok", {}, before=STARTED),
    Case("stop_session", "ended", {}, before=STARTED, arrange=(end_sandboxes,)),
    Case("stop_session", "never started", {}),
    Case("stop_session", "without session", {}, session=None, callers=SESSIONLESS_CALLERS),
    Case("stop_session", "throttled", {}, before=STARTED, arrange=(fail("Stop", THROTTLED),)),
    Case("list_sessions", "none", {}, session=None),
    Case("list_sessions", "the only session", {"status": "READY"}, before=STARTED),
    Case(
        "list_sessions",
        "two pages of the service",
        {},
        before=(*STARTED, {**code("x = 1"), "session": "other"}),
        session=None,
        callers=("direct",),
    ),
    Case(
        "list_sessions",
        "last page",
        {"next_token": "00000000000000000000000002"},
        before=(*STARTED, {**code("x = 1"), "session": "other"}),
        session=None,
        callers=("direct",),
    ),
    Case("list_sessions", "another token", {"next_token": "MQ=="}, callers=("direct",)),
    Case("list_sessions", "unknown status", {"status": "ENDED"}, callers=("direct",)),
    Case("list_sessions", "throttled", {}, arrange=(fail("List", THROTTLED),), callers=("direct",)),
    # interrupt.
    Case("interrupt", "nothing runs", {"idempotency_key": "k"}, callers=("direct",)),
    Case("interrupt", "without key", {}, callers=("direct",)),
    Case("interrupt", "by a model", {"idempotency_key": "k"}, callers=("agent", "gateway")),
    # read_output.
    Case("read_output", "nothing runs", {"idempotency_key": "k"}, callers=("direct",)),
    Case(
        "read_output",
        "of a program that has ended",
        {"idempotency_key": "order-17", "offset": 3},
        before=(code("print(1)", **KEY),),
        callers=("direct",),
    ),
    Case("read_output", "without key", {}, callers=("direct",)),
    Case(
        "read_output",
        "negative offset",
        {"idempotency_key": "k", "offset": -1},
        callers=("direct",),
    ),
    Case("read_output", "by a model", {"idempotency_key": "k"}, callers=("agent", "gateway")),
    # describe_tools.
    Case("describe_tools", "ok", {}, session=None),
    Case("describe_tools", "session", {}),
    Case("describe_tools", "unknown argument", {"format": "json"}, callers=("direct",)),
)


def agent_event(function: Any, parameters: Any, session: str | None = SESSION) -> dict[str, Any]:
    return {
        "messageVersion": "1.0",
        "agent": {"name": "a", "id": "AGENT", "alias": "ALIAS", "version": "1"},
        "inputText": "please",
        "sessionId": session or "no name: of ours",
        "actionGroup": "interpreter",
        "function": function,
        "parameters": parameters,
        "sessionAttributes": {"a": "1"},
        "promptSessionAttributes": {"b": "2"},
    }


def gateway_context(tool: Any, session: str | None = SESSION) -> SimpleNamespace:
    headers = {} if session is None else {"x-code-interpreter-session": session}
    return SimpleNamespace(
        custom={
            "bedrockAgentCoreToolName": tool,
            "bedrockAgentCorePropagatedHeaders": headers,
        }
    )


# Events of which no caller's request can be made, each with its client context.
MALFORMED: dict[str, tuple[Any, Any]] = {
    "direct null": (None, None),
    "direct array": ([], None),
    "direct string": ("x", None),
    "direct number": (7.5, None),
    "direct without tool": ({}, None),
    "direct unknown tool": ({"tool": "execute_cod", "code": "x"}, None),
    "direct tool of a wrong type": ({"tool": ["execute_code"]}, None),
    "direct session of a wrong type": ({"tool": "get_session", "session": 7}, None),
    "gateway null": (None, gateway_context("target___execute_code")),
    "gateway array": ([], gateway_context("target___execute_code")),
    "gateway unknown tool": ({"code": "x"}, gateway_context("target___execute_cod")),
    "gateway tool of a wrong type": ({"code": "x"}, gateway_context(None)),
    "agent unknown function": (agent_event("execute_cod", []), None),
    "agent function of a wrong type": (agent_event(None, []), None),
    "agent parameters of a wrong type": (agent_event("execute_code", {"code": "1"}), None),
    "agent parameters without names": (agent_event("execute_code", [{"value": "1"}]), None),
    "agent parameters missing": (agent_event("workspace_read", None), None),
    "agent without attributes": (
        {
            "messageVersion": "1.0",
            "actionGroup": "interpreter",
            "sessionId": "s",
            "apiPath": "/execute_code",
        },
        None,
    ),
}
