"""An MCP server that offers the tools of a deployed function to a model.

The low-level `Server` of the SDK takes schemas as they are: `MCPServer` would derive them from
Python functions, and it logs the messages of failing tools, which may have the user's data.
"""

from __future__ import annotations

import base64
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from .code_interpreter import CodeInterpreter
from .errors import CodeInterpreterError, InvalidRequest, NotFound, ProgramError
from .function import new_key, takes_key
from .mcp_content import SCHEME, content_of, mime_type, path_of, text_block, uri_of
from .results import Result
from .running import RunningProgram
from .session import Session
from .skill import NAME, instructions

T = TypeVar("T")
Context = ServerRequestContext[Any, Any]


def serve(interpreter: CodeInterpreter, session: str | None = None) -> None:
    """Serve over stdin and stdout until stdin ends.

    :param session: The session's name. Default: a new session, which is stopped at the end.
    :raises CodeInterpreterError: if the function cannot be used
    """
    tools = interpreter.describe_tools()
    with ExitStack() as stack:
        named = stack.enter_context(interpreter.session(session))

        def end(*_: object) -> None:
            try:
                stack.close()
            finally:
                os._exit(0)  # a request that still runs would keep the process

        signal.signal(signal.SIGTERM, end)
        anyio.run(serve_streams, SessionServer(named, tools).server)
        sys.stdout.flush()
        end()


async def serve_streams(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


class SessionServer:
    """The MCP server of one session, which the model cannot choose.

    :param tools: The tools, as `describe_tools` returns them.
    """

    def __init__(self, session: Session, tools: list[dict[str, Any]]) -> None:
        self._session = session
        specifications = [tool["toolSpec"] for tool in tools]
        self._tools = {
            specification["name"]: types.Tool(
                name=specification["name"],
                description=specification["description"],
                input_schema=specification["inputSchema"]["json"],
            )
            for specification in specifications
        }
        self.server: Server[Any] = Server(
            NAME,
            instructions=instructions(),
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_resource_templates,
            on_read_resource=self.read_resource,
        )

    async def list_tools(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=list(self._tools.values()))

    async def call_tool(
        self, _context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        if params.name not in self._tools:
            raise invalid(f"there is no tool {params.name}; there are {', '.join(self._tools)}")
        # The other members of a request, such as its session, are not the model's.
        allowed = self._tools[params.name].input_schema["properties"]
        unknown = [name for name in arguments if name not in allowed]
        if unknown:
            return failed(
                f"InvalidRequest: {params.name} has no argument {', '.join(unknown)}; it has "
                f"{', '.join(allowed)}"
            )
        running = start(self._session, params.name, arguments)
        try:
            result = await anyio.to_thread.run_sync(running.result, abandon_on_cancel=True)
            offset = arguments.get("offset") or 0
            content = await anyio.to_thread.run_sync(content_of, result, offset)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True), suppress(CodeInterpreterError):
                await anyio.to_thread.run_sync(running.interrupt)
            raise
        except CodeInterpreterError as error:
            return failed(described(error))
        return types.CallToolResult(content=content, is_error=not result.ok)

    async def list_resources(
        self, _context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        cursor = params.cursor if params else None

        def page() -> types.ListResourcesResult:
            response = self._session.request("workspace_list", next_token=cursor)
            return types.ListResourcesResult(
                resources=[
                    types.Resource(
                        name=file["path"],
                        uri=uri_of(file["path"]),
                        mime_type=mime_type(file["path"]),
                        size=file["size"],
                    )
                    for file in response["files"]
                    if "problem" not in file
                ],
                next_cursor=response.get("next_token"),
            )

        return await in_thread(page)

    async def list_resource_templates(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            name="workspace file",
            uri_template=uri_of("") + "{+path}",
            description="A file of the workspace: code-interpreter/<path> or uploads/<path>",
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, _context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        path = path_of(params.uri)
        if path is None:
            raise invalid(f"{params.uri} is not in the workspace: {SCHEME}<path> is")
        data = await in_thread(lambda: self._session.load(path))
        return types.ReadResourceResult(contents=[resource_contents(params.uri, path, data)])


def start(session: Session, tool: str, arguments: Mapping[str, Any]) -> RunningProgram:
    """Start a request, which runs at most once."""
    command, env = arguments.get("command"), arguments.get("env")
    # The function refuses the others.
    is_well_formed = isinstance(command, str) and isinstance(env, dict | None)
    if tool == "execute_command" and is_well_formed:
        return session.submit_command(
            str(command),
            cwd=arguments.get("cwd"),
            env=env,
            timeout=arguments.get("timeout_seconds"),
            check=False,
        )
    key = new_key()

    def send() -> Result:
        own_key = key if takes_key(tool, arguments) else None
        try:
            response = session.request(tool, key=own_key, **arguments)
        except ProgramError as error:
            return error.result
        return Result.from_response(response, own_key, session.load)

    def interrupt() -> bool:
        return tool != "execute_code" or session.interrupt(key)

    return RunningProgram(send, interrupt, key)


async def in_thread(call: Callable[[], T]) -> T:
    """Return the result of a call that would hold up the event loop.

    :raises MCPError: if the request failed
    """
    try:
        return await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
    except (InvalidRequest, NotFound) as error:
        raise invalid(described(error)) from error
    except CodeInterpreterError as error:
        raise MCPError(code=types.INTERNAL_ERROR, message=described(error)) from error


def resource_contents(
    uri: str, path: str, data: bytes
) -> types.TextResourceContents | types.BlobResourceContents:
    """Return a file as text if it is UTF-8."""
    kind = mime_type(path)
    try:
        return types.TextResourceContents(uri=uri, mime_type=kind, text=data.decode())
    except UnicodeDecodeError:
        blob = base64.b64encode(data).decode()
        return types.BlobResourceContents(uri=uri, mime_type=kind, blob=blob)


def described(error: CodeInterpreterError) -> str:
    return f"{type(error).__name__}: {error.message}"


def failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[text_block(text)], is_error=True)


def invalid(message: str) -> MCPError:
    return MCPError(code=types.INVALID_PARAMS, message=message)
