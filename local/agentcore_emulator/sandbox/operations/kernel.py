"""Run Python code in the kernel of a session."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentcore_emulator.sandbox.environment import Folders
from agentcore_emulator.sandbox.libraries import missing_library_note
from agentcore_emulator.sandbox.programs import (
    Captured,
    describe_excess,
    open_empty_input,
    start_on_pipes,
)
from agentcore_emulator.sandbox.results import (
    Result,
    ToolError,
    execution,
    image_block,
    stripped,
    valid_text,
    with_note,
    without_colours,
)
from agentcore_emulator.sandbox.settings import SandboxSettings
from agentcore_emulator.sandbox.supervisor_client import Supervisor

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.connect import KernelConnectionInfo

PROGRAM = Path(__file__).with_name("kernel_program.py").read_text()
SHELL = 1
RESET = "from IPython import get_ipython as _; _().reset()"
POLL_SECONDS = 0.005


class KernelEnded(Exception):
    """The kernel's process ended before it replied."""


class Kernel:
    """Runs Python code, one execution after another, in a process that keeps variables.

    The first execution starts the process, as does the first execution after the process ended.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        folders: Folders,
        settings: SandboxSettings,
        *,
        is_in_memory: bool,
    ) -> None:
        """Without `is_in_memory`, the supervisor executes the kernel's program each time."""
        self._is_in_memory = is_in_memory
        self._supervisor = supervisor
        self._folders = folders
        self._settings = settings
        self._queue = asyncio.Lock()
        self._process: KernelProcess | None = None
        self._starts = count(1)

    async def execute(self, code: str, *, clear_context: bool) -> Result:
        """Run code once earlier executions have ended. Cancellation ends the process."""
        async with self._queue:
            try:
                return await self._execute(code, clear_context)
            except asyncio.CancelledError:
                # Otherwise the next execution would wait for this code.
                await self.close()
                raise

    async def close(self) -> None:
        """End the process, if it runs."""
        if self._process:
            process, self._process = self._process, None
            await process.close()

    async def _execute(self, code: str, clear_context: bool) -> Result:
        process = await self._running()
        process.captured.take()  # output of threads and children since the last execution
        started = time.perf_counter()
        try:
            if clear_context:
                await process.request(RESET, silent=True)
            reply = await process.request(code)
        except KernelEnded:
            ended = process.captured.program.ended.result()
            error = describe_excess(ended, self._settings) or "The Python process ended."
            payload, exit_code = [], ended.status or 1
        else:
            error = self._describe(reply)
            error = with_note(error, missing_library_note(error, self._settings))
            payload = reply.get("payload", [])
            exit_code = 0 if reply["status"] == "ok" else 1
        seconds = time.perf_counter() - started
        stdout, stderr = process.captured.take()
        return execution(
            stdout=valid_text(stripped(stdout, self._settings.stripped_end)),
            stderr=valid_text(with_note(stderr, error).removesuffix("\n")),
            exit_code=exit_code,
            seconds=seconds,
            blocks=self._images(payload),
        )

    async def _running(self) -> KernelProcess:
        if self._process and not self._process.alive:
            await self.close()
        if self._process is None:
            sockets = self._folders.sockets / str(next(self._starts))
            self._process = await KernelProcess.start(
                self._supervisor, sockets, self._settings, is_in_memory=self._is_in_memory
            )
        return self._process

    def _describe(self, reply: dict[str, Any]) -> str:
        if reply["status"] == "ok":
            return ""
        if self._settings.traceback == "last_line":
            return f"{reply['ename']}: {reply['evalue']}"
        return without_colours("\n".join(reply["traceback"]))

    def _images(self, payload: list[dict[str, Any]]) -> list[Result]:
        if not self._settings.image_blocks:
            return []
        return [
            image_block(base64.b64decode(item["data"]), item["mimeType"])
            for item in payload
            if item["source"] == "image"
        ]


class KernelProcess:
    """A process of the kernel, and the connection to it."""

    def __init__(self, captured: Captured, client: AsyncKernelClient) -> None:
        self.captured = captured
        self._client = client
        self._exiting = False

    @classmethod
    async def start(
        cls,
        supervisor: Supervisor,
        sockets: Path,
        settings: SandboxSettings,
        *,
        is_in_memory: bool,
    ) -> KernelProcess:
        """Start the process, and return before it accepts requests; they wait until it does."""
        # Here, so that the emulator's start does not wait for it: a tenth of a second.
        from jupyter_client.asynchronous.client import AsyncKernelClient

        sockets.mkdir()
        # With this transport a port number is the end of a socket's file name.
        connection: KernelConnectionInfo = {
            "transport": "ipc",
            "ip": str(sockets / "s"),
            "key": secrets.token_hex(),
            "signature_scheme": "hmac-sha256",
            "shell_port": SHELL,
            "iopub_port": 2,
            "stdin_port": 3,
            "control_port": 4,
            "hb_port": 5,
        }
        file = sockets / "connection.json"
        file.write_text(json.dumps(connection))
        display = "echo" if settings.echo_last_expression else "quiet"
        hooks = "heard" if settings.hook_output else "hidden"
        arguments = [display, hooks, "-f", str(file)]
        stdin = open_empty_input()
        try:
            captured = await start_on_pipes(
                supervisor,
                arguments if is_in_memory else ["python", "-P", "-c", PROGRAM, *arguments],
                settings,
                stdin,
                is_kernel=is_in_memory,
            )
        finally:
            os.close(stdin)
        client = AsyncKernelClient()
        client.load_connection_info(connection)
        process = cls(captured, client)
        try:
            await process._connect(sockets / f"s-{SHELL}")
        except BaseException:
            await process.close()
            raise
        return process

    @property
    def alive(self) -> bool:
        """Whether the process accepts another request."""
        return not self._exiting and not self.captured.program.ended.done()

    async def request(self, code: str, *, silent: bool = False) -> dict[str, Any]:
        """Execute code and return the reply's content.

        :raises KernelEnded: if the process ends first.
        """
        number = self._client.execute(code, silent=silent, allow_stdin=False, stop_on_error=False)
        reply = asyncio.ensure_future(self._reply(number))
        either: list[asyncio.Future[Any]] = [reply, self.captured.program.ended]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not reply.done():
                raise KernelEnded
            content = reply.result()
        finally:
            reply.cancel()
        self._exiting = any(item["source"] == "ask_exit" for item in content.get("payload", []))
        return content

    async def close(self) -> None:
        try:
            self._client.stop_channels()
        finally:
            # Otherwise the client's finalizer would wait for messages that nobody receives.
            self._client.context.destroy(linger=0)
            await self.captured.close()

    async def _connect(self, socket: Path) -> None:
        # After a refused connection, ZeroMQ waits a tenth of a second before it tries again.
        while not socket.exists():
            if self.captured.program.ended.done():
                _, stderr = self.captured.take()
                raise ToolError(f"The Python kernel does not start: {stderr.strip()}")
            await asyncio.sleep(POLL_SECONDS)
        self._client.start_channels(iopub=False, stdin=False, hb=False, control=False)

    async def _reply(self, number: str) -> dict[str, Any]:
        while True:
            message = await self._client.get_shell_msg()
            if message["parent_header"].get("msg_id") == number:
                content: dict[str, Any] = message["content"]
                return content
