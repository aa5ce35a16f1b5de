"""The MCP server, through the SDK's own client, and the deployed function behind it."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TextIO

import anyio
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from code_interpreter_client import CodeInterpreter, Session
from code_interpreter_client.mcp_server import SessionServer
from tests.e2e.client.display import SHOW_FIGURE, TABLE
from tests.e2e.client.forks import ForkedProcess, Forks
from tests.e2e.client.terminal import COMMAND, PROGRAM, SECONDS, wait_for_file

pytestmark = pytest.mark.anyio
FORKED = ("code_interpreter_client.cli.app", "code_interpreter_client.mcp_server")
PNG = b"\x89PNG\r\n\x1a\n"


class Server(NamedTuple):
    """The server as a process, whose client is the test."""

    process: ForkedProcess
    stdin: TextIO


StartServer = Callable[..., Server]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(interpreter: CodeInterpreter, shared_session: Session) -> AsyncIterator[Client]:
    tools = interpreter.describe_tools()
    async with Client(SessionServer(shared_session, tools).server) as client:
        yield client


async def cancel(client: Client, session: Session, tool: str, arguments: dict[str, str]) -> None:
    """Call a tool, and cancel the call when its program has made a file with the tool's name."""
    async with anyio.create_task_group() as calling:
        calling.start_soon(client.call_tool, tool, arguments)
        await anyio.to_thread.run_sync(wait_for_file, session, tool)
        calling.cancel_scope.cancel()


def texts(result: types.CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, types.TextContent))


async def test_the_tools_are_those_that_the_function_describes(
    client: Client, interpreter: CodeInterpreter
) -> None:
    offered = {
        tool.name: (tool.description, tool.input_schema)
        for tool in (await client.list_tools()).tools
    }
    assert offered == {
        tool["toolSpec"]["name"]: (
            tool["toolSpec"]["description"],
            tool["toolSpec"]["inputSchema"]["json"],
        )
        for tool in interpreter.describe_tools()
    }
    assert "execute_code" in offered


async def test_the_instructions_name_only_tools_that_exist(client: Client) -> None:
    instructions = client.instructions or ""
    names = {tool.name for tool in (await client.list_tools()).tools}
    for name in ("execute_command", "ci_push_to_workspace", "ci_pull_from_workspace"):
        assert name in instructions
        assert name in names
    assert "output_filename" in instructions


async def test_variables_last_and_output_is_text(client: Client) -> None:
    await client.call_tool("execute_code", {"code": "x = 6"})
    result = await client.call_tool("execute_code", {"code": "print(x * 7)"})
    assert not result.is_error
    assert isinstance(result.content[0], types.TextContent)
    assert result.content[0].text == "42"


async def test_rich_results_are_text_without_html_and_figures_are_images(client: Client) -> None:
    result = await client.call_tool("execute_code", {"code": f"{SHOW_FIGURE}\n{TABLE}"})
    assert "<table" not in texts(result)
    assert "a table" in texts(result)
    [image] = [block for block in result.content if isinstance(block, types.ImageContent)]
    assert image.mime_type == "image/png"
    assert base64.b64decode(image.data).startswith(PNG)


async def test_a_saved_file_is_a_resource(client: Client, shared_session: Session) -> None:
    code = "open('päge 1.txt', 'w').write('hello')"
    result = await client.call_tool("execute_code", {"code": code, "output_filename": "päge 1.txt"})
    [link] = [block for block in result.content if isinstance(block, types.ResourceLink)]
    assert link.name == "code-interpreter/päge 1.txt"
    [content] = (await client.read_resource(link.uri)).contents
    assert isinstance(content, types.TextResourceContents)
    assert content.text == "hello"
    listed = (await client.list_resources()).resources
    assert [(resource.uri, resource.size) for resource in listed] == [(link.uri, 5)]
    shared_session.delete(link.name)


async def test_a_binary_resource_has_its_bytes(client: Client, shared_session: Session) -> None:
    shared_session.write("some.bin", bytes(range(256)))
    shared_session.push("some.bin")
    [content] = (await client.read_resource("workspace:///code-interpreter/some.bin")).contents
    assert isinstance(content, types.BlobResourceContents)
    assert base64.b64decode(content.blob) == bytes(range(256))


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("workspace:///code-interpreter/none.txt", "NotFound"),
        ("workspace:///etc/passwd", "InvalidRequest"),
        ("file:///etc/passwd", "is not in the workspace"),
    ],
)
async def test_a_resource_that_does_not_exist_is_an_error(
    client: Client, uri: str, message: str
) -> None:
    with pytest.raises(MCPError, match=message):
        await client.read_resource(uri)


async def test_an_image_of_the_workspace_can_be_looked_at(
    client: Client, shared_session: Session
) -> None:
    shared_session.write("a.png", PNG + bytes(100))
    shared_session.push("a.png")
    arguments = {"path": "code-interpreter/a.png"}
    result = await client.call_tool("workspace_read", arguments)
    assert isinstance(result.content[0], types.ImageContent)
    result = await client.call_tool("file_operations", {"operation": "read", "path": "a.png"})
    assert isinstance(result.content[0], types.ImageContent)


async def test_a_long_text_of_the_workspace_is_read_in_parts(
    client: Client, shared_session: Session
) -> None:
    text = "".join(f"line {number}\n" for number in range(10_000))
    shared_session.request("workspace_write", path="code-interpreter/long.txt", content=text)
    parts, offset = [], 0
    while True:
        arguments = {"path": "code-interpreter/long.txt", "offset": offset}
        result = await client.call_tool("workspace_read", arguments)
        assert isinstance(result.content[0], types.TextContent)
        part, _, note = result.content[0].text.partition("\n[the next part begins at the byte ")
        parts.append(part)
        if not note:
            break
        offset = int(note.removesuffix("]"))
    assert "".join(parts) == text
    assert len(parts) == 3


async def test_a_failing_program_is_a_tool_error_with_its_type_and_output(client: Client) -> None:
    result = await client.call_tool("execute_code", {"code": "print('before')\n1 / 0"})
    assert result.is_error
    assert texts(result).startswith("CodeFailed: ")
    assert "before" in texts(result)
    assert "ZeroDivisionError" in texts(result)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("execute_code", {"code": 1}, "InvalidRequest: "),
        ("execute_code", {"code": "1", "timeout_seconds": "9"}, "InvalidRequest: "),
        ("execute_command", {"command": 1}, "InvalidRequest: "),
        ("execute_command", {"command": "ls", "env": {"A": 1}}, "InvalidRequest: "),
        ("execute_command", {"command": "ls", "env": "A=1"}, "InvalidRequest: "),
        ("execute_code", {"code": "1", "session": "x"}, "has no argument session; it has code"),
        ("execute_code", {"code": "1", "idempotency_key": "x"}, "has no argument idempotency_key"),
        ("workspace_read", {"path": "code-interpreter/none"}, "NotFound: "),
    ],
)
async def test_a_wrong_request_is_a_tool_error_that_says_what_to_change(
    client: Client, tool: str, arguments: dict[str, object], message: str
) -> None:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert message in texts(result)


async def test_a_tool_that_models_are_not_offered_does_not_exist(client: Client) -> None:
    with pytest.raises(MCPError, match="there is no tool stop_session; there are execute_code"):
        await client.call_tool("stop_session", {})


LOOP = "import time\nx = 'kept'\nopen('execute_code', 'w')\nwhile True: time.sleep(0.05)"


async def test_a_cancelled_program_is_interrupted(client: Client, shared_session: Session) -> None:
    await cancel(client, shared_session, "execute_code", {"code": LOOP})
    with anyio.fail_after(20):
        result = await client.call_tool("execute_code", {"code": "print(x)"})
    assert texts(result) == "kept"


async def test_a_cancelled_command_is_interrupted(client: Client, shared_session: Session) -> None:
    command = "echo $$ > pid; touch execute_command; sleep 100"
    await cancel(client, shared_session, "execute_command", {"command": command})
    with anyio.fail_after(20):
        while True:
            result = await client.call_tool("execute_command", {"command": "kill -0 $(cat pid)"})
            if result.is_error:
                break


async def test_calls_do_not_hold_up_one_another(client: Client, shared_session: Session) -> None:
    command = "touch waits; while ! test -e go; do sleep 0.05; done"
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "execute_command", {"command": command})
            await anyio.to_thread.run_sync(wait_for_file, shared_session, "waits")
            go = {"operation": "write", "path": "go", "text": ""}
            # The first call ends only if this one is made meanwhile.
            result = await client.call_tool("file_operations", go)
    assert not result.is_error


async def test_over_stdio_it_has_a_session_of_its_own_and_stops_it(
    environment: dict[str, str], interpreter: CodeInterpreter
) -> None:
    before = {sandbox.session_id for sandbox in interpreter.sandboxes()}
    parameters = StdioServerParameters(command=PROGRAM, args=["mcp"], env=environment)
    async with Client(parameters) as client:
        code = "import os; print('out'); os.system('echo noise'); x = 1"
        result = await client.call_tool("execute_code", {"code": code})
        assert not result.is_error
        [own] = [one for one in interpreter.sandboxes() if one.session_id not in before]
        await cancel(client, interpreter.session(own.session), "execute_code", {"code": LOOP})
        with anyio.fail_after(20):
            result = await client.call_tool("execute_code", {"code": "print(x)"})
        assert texts(result) == "kept"
    assert {sandbox.session_id for sandbox in interpreter.sandboxes()} == before


@pytest.fixture
def start_server(
    environment: dict[str, str], forks: Forks, tmp_path: Path
) -> Iterator[StartServer]:
    """Return a function that starts the server with some options, and lets it call a tool."""
    with ExitStack() as open_files:

        def start_server(*options: str, tool: str, **arguments: str) -> Server:
            reader, writer = os.pipe()
            stdin = open_files.enter_context(os.fdopen(writer, "w"))
            with os.fdopen(reader), Path(os.devnull).open("w") as nothing:
                process = forks.start(
                    [*COMMAND, *options, "mcp"],
                    streams=(reader, nothing.fileno(), 2),
                    environment=environment,
                    folder=tmp_path,
                )
            parameters = {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            }
            call = {"name": tool, "arguments": arguments}
            messages: list[dict[str, object]] = [
                {"method": "initialize", "id": 1, "params": parameters},
                {"method": "notifications/initialized"},
                {"method": "tools/call", "id": 2, "params": call},
            ]
            for message in messages:
                stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            stdin.flush()
            return Server(process, stdin)

        yield start_server


@pytest.mark.parametrize("ending", ["SIGTERM", "stdin"])
def test_a_program_that_runs_does_not_keep_the_server(
    interpreter: CodeInterpreter, start_server: StartServer, ending: str
) -> None:
    before = {sandbox.session_id for sandbox in interpreter.sandboxes()}
    server = start_server(tool="execute_command", command="touch started; sleep 100")
    give_up_at = time.monotonic() + SECONDS
    while not started(interpreter, before):
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
    if ending == "SIGTERM":
        server.process.terminate()
    else:
        server.stdin.close()
    server.process.wait(20)
    assert {sandbox.session_id for sandbox in interpreter.sandboxes()} == before


def test_a_named_session_stays(session: Session, start_server: StartServer) -> None:
    code = "x = 'kept'; open('started', 'w').close()"
    server = start_server("--session", session.name, tool="execute_code", code=code)
    wait_for_file(session, "started")
    server.stdin.close()
    server.process.wait(20)
    assert session.run("print(x)").stdout == "kept"


def started(interpreter: CodeInterpreter, before: set[str]) -> bool:
    """Return whether the command of a sandbox that was not there before has begun."""
    names = [one.session for one in interpreter.sandboxes() if one.session_id not in before]
    return any(
        entry.name == "started" for name in names for entry in interpreter.session(name).list()
    )
