"""The function over HTTP: how often it sends a request, and how it responds to faults."""

from __future__ import annotations

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import Request, urlopen

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest

from tests.fakes.lambda_context import Context
from tests.integration.invoke.faults import COUNT, COUNTED, FAULTS, Case, error, named
from tests.integration.invoke.wire import Wire


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=pytest.mark.slow if case.is_like_another else ())
        for case in FAULTS
    ],
)
def test_the_response_to_each_fault_is_true_and_code_runs_at_most_once(
    shared_wire: Wire, case: Case
) -> None:
    wire = shared_wire
    earlier = int(wire.ok("execute_code", session="s", code=COUNTED)["stdout"])
    before = len(wire.calls())
    wire.fault(operation="InvokeCodeInterpreter", **case.fault)
    response = wire("execute_code", session="s", code=COUNT, seconds=case.seconds, **case.limit)
    wire.clear_faults()
    assert response["status"] == "error"
    assert (response["error"]["type"], response["error"]["retryable"]) == (
        case.error,
        case.retryable,
    )
    assert response["error"]["message"]
    # The other request, after a hang, interrupts a program.
    sent = [call for call in wire.calls()[before:] if call.get("tool") != "executeCommand"]
    assert len(sent) == 1 or "count" in case.fault
    assert [call["took_effect"] for call in sent].count(True) == case.runs
    # The next request succeeds, in the same sandbox unless nothing was heard of that.
    following = wire.ok("execute_code", session="s", code=COUNTED)
    if case.costs_sandbox:
        assert (following["session_restarted"], following["stdout"]) == (True, "0")
    else:
        assert int(following["stdout"]) == earlier + case.runs


@pytest.mark.parametrize(
    ("tool", "running"),
    [
        ("execute_code", {"code": "print('begun'); import time; time.sleep(60)"}),
        ("execute_command", {"command": "echo begun; sleep 60"}),
    ],
)
def test_code_and_commands_past_their_limit_end_and_do_not_delay_the_next_request(
    wire: Wire, tool: str, running: dict[str, Any]
) -> None:
    response = wire(tool, session="s", timeout_seconds=1, **running)
    assert (response["error"]["type"], response["error"]["retryable"]) == ("TimedOut", False)
    # The observer's installation, the program, and its interruption.
    assert len(wire.calls()) <= 3
    following = wire.ok("execute_command", session="s", command="ps ax", timeout_seconds=20)
    assert "sleep" not in following["stdout"]
    assert "session_restarted" not in following
    assert len(wire.running()) == 1


def test_an_operation_that_is_throttled_for_a_moment_succeeds(shared_wire: Wire) -> None:
    shared_wire.ok("execute_code", session="s", code="x = 1")
    shared_wire.fault(operation="InvokeCodeInterpreter", **error("ThrottlingException"), count=2)
    assert shared_wire.ok("execute_code", session="s", code="x += 1; print(x)")["stdout"] == "2"


def test_a_slow_operation_succeeds(shared_wire: Wire) -> None:
    shared_wire.ok("execute_code", session="s", code="x = 1")
    shared_wire.fault(operation="InvokeCodeInterpreter", kind="slow", seconds=0.5)
    assert shared_wire.ok("execute_code", session="s", code="print(x)")["stdout"] == "1"


def test_a_sandbox_that_has_ended_is_replaced(wire: Wire) -> None:
    wire.put("uploads/data.csv", b"1,2")
    wire.ok("execute_code", session="s", code="x = 1")
    wire.fault(operation="InvokeCodeInterpreter", **error("ResourceNotFoundException"))
    response = wire.ok("execute_code", session="s", code="print(open('data.csv').read())")
    assert response["stdout"] == "1,2"
    assert response["session_restarted"] is True


@pytest.mark.parametrize(
    ("session", "fault"),
    [
        ("s", {"kind": "http", "status": 500, "when": "after"}),
        # Botocore treats it as it treats 500.
        pytest.param("s", {"kind": "http", "status": 503}, marks=pytest.mark.slow),
        ("s", {"kind": "reset", "when": "after"}),
        ("s", error("ThrottlingException")),
        # The service sends it with the status 500.
        pytest.param("s", error("InternalServerException"), marks=pytest.mark.slow),
        (None, {"kind": "reset", "when": "after"}),
    ],
    ids=str,
)
def test_a_start_that_fails_is_repeated_and_starts_one_sandbox(
    wire: Wire, session: str | None, fault: dict[str, Any]
) -> None:
    wire.fault(operation="StartCodeInterpreterSession", **fault)
    response = wire.ok("execute_command", session=session, command="echo 1")
    assert response["stdout"].strip() == "1"
    assert len(wire.calls("StartCodeInterpreterSession")) == 2
    assert len(wire.running()) == (0 if session is None else 1)


@pytest.mark.parametrize(
    "fault", [{"kind": "reset", "when": "after"}, error("ThrottlingException")], ids=named
)
def test_a_stop_that_fails_is_repeated(wire: Wire, fault: dict[str, Any]) -> None:
    wire.ok("start_session", session="s")
    wire.fault(operation="StopCodeInterpreterSession", **fault)
    assert wire.ok("stop_session", session="s")["stopped"] is True
    assert wire.running() == []


def test_a_hanging_start_does_not_delay_the_response(wire: Wire) -> None:
    wire.fault(operation="StartCodeInterpreterSession", kind="hang", count=None)
    response = wire("execute_code", code="print(1)", seconds=2)
    assert response["error"]["type"] == "NotStarted"


def test_a_hanging_stop_does_not_delay_the_response(wire: Wire) -> None:
    """The code has to end in time, and the stop then hangs for the rest of it."""
    wire.fault(operation="StopCodeInterpreterSession", kind="hang", count=None)
    response = wire("execute_code", code="print(1)", seconds=15)
    assert response["stdout"] == "1"


def test_the_streams_connection_is_used_again(wire: Wire) -> None:
    """A stream that is not read to its end costs the next request a connection."""
    for _ in range(3):
        wire.ok("execute_code", session="s", code="x = 1")
    connections = wire.clients.agentcore_single_attempt._endpoint.http_session
    http = connections._http_session._manager
    [pool] = [http.pools[key] for key in http.pools.keys()]  # noqa: SIM118 - not a dictionary
    assert pool.num_connections == 1


def test_parallel_callers_of_one_session_share_a_sandbox(wire: Wire) -> None:
    callers = 12
    functions = [wire.new_function() for _ in range(callers)]

    def count(function: Any) -> dict[str, Any]:
        event = {"tool": "execute_code", "session": "s", "code": COUNT}
        return dict(function(event, Context()))

    with ThreadPoolExecutor(callers) as pool:
        responses = list(pool.map(count, functions))
    assert len(wire.running()) == 1
    # The service takes about ten operations at a time in one session and refuses the others.
    refused = [response["error"] for response in responses if response["status"] != "ok"]
    assert {(error["type"], error["retryable"]) for error in refused} <= {("NotStarted", True)}
    ran = wire.ok("execute_code", session="s", code="print(len(open('runs').read()))")["stdout"]
    assert int(ran) == callers - len(refused) >= 10


CALLERS = 3  # each starts a kernel


def test_parallel_callers_of_different_sessions_have_their_own(wire: Wire) -> None:
    functions = [wire.new_function() for _ in range(CALLERS)]

    def run(index: int) -> str:
        session = f"s{index}"
        for code in (f"x = {index}", "print(x)"):
            event = {"tool": "execute_code", "session": session, "code": code}
            response = functions[index](event, Context())
            assert response["status"] == "ok", response
        return str(response["stdout"])

    with ThreadPoolExecutor(CALLERS) as pool:
        assert list(pool.map(run, range(CALLERS))) == [str(index) for index in range(CALLERS)]
    assert len(wire.running()) == CALLERS


# The API's own members.

MODEL = botocore.session.Session().get_service_model("bedrock-agentcore")
DATA_PLANE = [
    "GetCodeInterpreterSession",
    "InvokeCodeInterpreter",
    "ListCodeInterpreterSessions",
    "StartCodeInterpreterSession",
    "StopCodeInterpreterSession",
]


@pytest.fixture
def sent(wire: Wire) -> dict[str, list[AWSPreparedRequest]]:
    """Return the requests of each operation, as they are sent."""
    found: dict[str, list[AWSPreparedRequest]] = {}

    def note(request: AWSPreparedRequest, event_name: str, **_: Any) -> None:
        found.setdefault(event_name.rpartition(".")[2], []).append(request)

    for client in wire.clients:
        client.meta.events.register("before-send", note)
    return found


def example(shape: Any) -> Any:
    """Return a value with every member of a shape; blobs are base64."""
    match shape.type_name:
        case "structure":
            return {name: example(member) for name, member in shape.members.items()}
        case "list":
            return [example(shape.member)]
        case "boolean":
            return True
        case "blob":
            return "AP8="
        case _:
            return [*getattr(shape, "enum", []), f"some {shape.name}"][0]


def test_every_argument_of_the_api_is_sent_as_given(
    wire: Wire, sent: dict[str, list[AWSPreparedRequest]]
) -> None:
    shape = MODEL.operation_model("InvokeCodeInterpreter").input_shape
    arguments = example(shape.members["arguments"])
    assert arguments.keys() == shape.members["arguments"].members.keys()
    path, text, blob = (arguments["content"][0][name] for name in ("path", "text", "blob"))
    arguments["content"] = [{"path": path, "blob": blob}]
    arguments["language"] = "typescript"  # a program in Python is given a tag
    wire("invoke_code_interpreter", session="s", name="executeCode", arguments=arguments)
    body = json.loads(sent["InvokeCodeInterpreter"][-1].body)
    assert body == {"name": "executeCode", "arguments": arguments}
    # The function sends text as bytes, which the service does not convert.
    arguments["content"] = [{"path": path, "text": text}]
    wire("invoke_code_interpreter", session="s", name="executeCode", arguments=arguments)
    [file] = json.loads(sent["InvokeCodeInterpreter"][-1].body)["arguments"]["content"]
    assert (file["path"], base64.b64decode(file["blob"]).decode()) == (path, text)


def test_traces_are_sent_with_every_operation_that_takes_them(
    wire: Wire, sent: dict[str, list[AWSPreparedRequest]]
) -> None:
    trace = {"trace_id": "Root=1-2-3", "trace_parent": "00-ab-cd-01"}
    wire.ok("execute_code", code="x = 1", **trace)
    wire.ok("start_session", session="s", **trace)
    for tool in ("get_session", "list_sessions", "stop_session"):
        wire.ok(tool, session="s", **trace)
    assert set(sent) >= set(DATA_PLANE)
    for operation, request in ((name, message) for name in DATA_PLANE for message in sent[name]):
        members = MODEL.operation_model(operation).input_shape.members
        headers = [request.headers.get(name) for name in ("X-Amzn-Trace-Id", "traceparent")]
        given = [value.encode() for value in trace.values()]
        assert headers == (given if "traceId" in members else [None, None]), operation


# Many files, and large ones.


def test_many_files_are_saved_byte_for_byte(shared_wire: Wire) -> None:
    names = [f"out/{index % 7}/ü '{index}' $(x).bin" for index in range(60)]
    code = (
        "from pathlib import Path\nimport hashlib\n"
        f"for name in {names!r}:\n"
        "    Path(name).parent.mkdir(parents=True, exist_ok=True)\n"
        "    Path(name).write_bytes(hashlib.sha512(name.encode()).digest() * 50)"
    )
    shared_wire.ok("execute_code", session="s", code=code)
    response = shared_wire.ok("ci_push_to_workspace", session="s", paths=["out"])
    assert response["count"] == 60
    assert sorted(response["files_saved"]) == sorted(f"code-interpreter/{name}" for name in names)
    folder = "workspace/s/code-interpreter/"
    stored = shared_wire.s3.list_objects_v2(Bucket=shared_wire.bucket, Prefix=f"{folder}out/")
    # Of an object that was put at once, the entity tag is the MD5 of its bytes.
    tags = {item["Key"].removeprefix(folder): item["ETag"] for item in stored["Contents"]}
    contents = {name: hashlib.sha512(name.encode()).digest() * 50 for name in names}
    assert tags == {
        name: f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        for name, content in contents.items()
    }


@pytest.mark.slow  # tests/unit/invoke/files/test_workspace.py has the pages
def test_more_objects_than_a_page_are_listed_and_loaded(wire: Wire) -> None:
    names = [f"uploads/{index:04}.txt" for index in range(1001)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: wire.put(name, name.encode()), names))
    first = wire.ok("workspace_list", session="s")
    second = wire.ok("workspace_list", session="s", next_token=first["next_token"])
    assert (first["count"], first["truncated"]) == (1000, True)
    assert "next_token" not in second
    assert [file["path"] for file in [*first["files"], *second["files"]]] == names
    code = "from pathlib import Path; print(len(list(Path().glob('*.txt'))))"
    assert wire.ok("execute_code", session="s", code=code)["stdout"] == "1001"


def test_a_large_file_does_not_pass_through_the_function(wire: Wire) -> None:
    content = bytes(range(256)) * 40_000
    wire.put("uploads/big.bin", content)
    wire.ok("execute_code", session="s", code="import os; os.rename('big.bin', 'out.bin')")
    wire.ok("ci_push_to_workspace", session="s", paths=["out.bin"])
    assert wire.get("code-interpreter/out.bin") == content
    assert max(call["request_bytes"] for call in wire.calls()) < 50_000
    assert max(call["response_bytes"] for call in wire.calls()) < 50_000


def test_a_large_file_is_pulled_without_passing_through_the_function(wire: Wire) -> None:
    content = bytes(range(256)) * 40_000
    wire.put("code-interpreter/deep/big.bin", content)
    assert wire.ok("ci_pull_from_workspace", session="s")["files_loaded"] == ["deep/big.bin"]
    code = "import hashlib; print(hashlib.sha256(open('deep/big.bin', 'rb').read()).hexdigest())"
    response = wire.ok("execute_code", session="s", code=code)
    assert response["stdout"] == hashlib.sha256(content).hexdigest()
    assert max(call["request_bytes"] for call in wire.calls()) < 50_000


def fetch(url: str, method: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """Send a request as a client without credentials does."""
    request = Request(url, body, headers, method=method)
    with urlopen(request, timeout=20) as response:
        content: bytes = response.read()
    return content


def test_links_transfer_a_file_without_credentials(wire: Wire) -> None:
    given: dict[str, Any] = {"session": "s", "path": "uploads/ü b.csv"}
    link = wire.ok("workspace_link", direction="upload", size=3, **given)
    fetch(link["url"], link["method"], link["headers"], b"a,b")
    link = wire.ok("workspace_link", direction="download", **given)
    assert fetch(link["url"], link["method"], link["headers"]) == b"a,b"
    wire.ok("workspace_delete", **given)
    assert wire("workspace_read", **given)["error"]["type"] == "NotFound"


def test_a_file_too_large_for_a_response_is_refused_with_the_way_to_read_it(
    shared_wire: Wire,
) -> None:
    code = "open('f.bin', 'wb').write(b'\\xff' * 19_000_000)"
    shared_wire.ok("execute_code", session="s", code=code)
    raw: dict[str, Any] = {"name": "readFiles", "arguments": {"paths": ["f.bin"]}}
    for response in (
        shared_wire("file_operations", session="s", operation="read", path="f.bin"),
        shared_wire("invoke_code_interpreter", session="s", **raw),
    ):
        assert response["error"]["type"] == "InvalidRequest", response
        assert "ci_push_to_workspace" in response["error"]["message"]


def test_a_projects_package_json_is_saved_and_the_services_is_not(wire: Wire) -> None:
    wire.ok("start_session", session="s")
    assert wire.ok("ci_push_to_workspace", session="s")["files_saved"] == []
    code = "open('package.json', 'w').write('{\"name\": \"mine\"}')"
    wire.ok("execute_code", session="s", code=code)
    response = wire.ok("ci_push_to_workspace", session="s")
    assert response["files_saved"] == ["code-interpreter/package.json"]
    assert wire.get("code-interpreter/package.json") == b'{"name": "mine"}'


def test_a_task_runs_for_hours(wire: Wire) -> None:
    def invoke(name: str, **arguments: str) -> dict[str, Any]:
        response = wire.ok("invoke_code_interpreter", session="s", name=name, arguments=arguments)
        return dict(response["structuredContent"])

    wire.ok("start_session", session="s", session_timeout_seconds=28_800)
    task = invoke("startCommandExecution", command="sleep 28000")
    wire.pass_time(7.9 * 3600)
    assert invoke("getTask", taskId=task["taskId"])["taskStatus"] == "working"
    invoke("stopTask", taskId=task["taskId"])
    assert invoke("getTask", taskId=task["taskId"])["taskStatus"] == "canceled"


def test_a_task_outlasts_its_request(shared_wire: Wire) -> None:
    def invoke(name: str, **arguments: str) -> dict[str, Any]:
        response = shared_wire(
            "invoke_code_interpreter", session="s", name=name, arguments=arguments
        )
        return dict(response["structuredContent"] or {}, status=response["status"])

    task = invoke(
        "startCommandExecution", command="while [ ! -e go ]; do sleep 0.05; done; echo ok"
    )
    assert task["taskStatus"] == "submitted"
    assert invoke("getTask", taskId=task["taskId"])["taskStatus"] == "working"
    shared_wire.ok("execute_command", session="s", command="touch go")
    while (found := invoke("getTask", taskId=task["taskId"]))["taskStatus"] == "working":
        pass
    assert (found["taskStatus"], found["stdout"], found["exitCode"]) == ("completed", "ok\r\n", 0)
