"""Serve the emulator on 127.0.0.1.

    python -m agentcore_emulator --port 8080 --set create_seconds=2 --set image_blocks=true

The first line of the output is the endpoint, which then accepts requests. SIGTERM or SIGINT
ends the emulator and every session.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

from agentcore_emulator.assignments import assign
from agentcore_emulator.http.app import create_app
from agentcore_emulator.http.server import serve
from agentcore_emulator.settings import EmulatorSettings

HOST = "127.0.0.1"
MAX_PORT = 65_535


def main() -> None:
    arguments = parse_arguments()
    asyncio.run(run(listen(arguments.port), arguments.settings))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m agentcore_emulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, means any free port")
    parser.add_argument(
        "--directory", type=Path, help="where sessions live; default: a temporary directory"
    )
    parser.add_argument("--sandbox-python", type=Path, help="the interpreter that has ipykernel")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="a setting of EmulatorSettings or SandboxSettings, any number of times",
    )
    arguments = parser.parse_args()
    if not 0 <= arguments.port <= MAX_PORT:
        parser.error(f"--port {arguments.port}: not from 1 to {MAX_PORT}, or 0 for any free port")
    try:
        arguments.settings = settings_from(arguments)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def settings_from(arguments: argparse.Namespace) -> EmulatorSettings:
    """Return the settings that the arguments ask for.

    :raises ValueError: if a setting does not exist or has a wrong value.
    """
    settings = assign(EmulatorSettings(directory=arguments.directory), arguments.set)
    if arguments.sandbox_python is None:
        return settings
    return replace(settings, sandbox=replace(settings.sandbox, python=arguments.sandbox_python))


def listen(port: int) -> socket.socket:
    """Listen on a port, on which a connection waits from now on instead of being refused.

    :raises SystemExit: with a message, if the port is not free.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        sys.exit(
            f"error: port {port} on {HOST} is not free ({os.strerror(error.errno or 0)}): end the "
            "process that uses it, or choose another port; --port 0 takes any free port"
        )


async def run(listener: socket.socket, settings: EmulatorSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = create_app(settings)
    sys.stdout.write(f"http://{HOST}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()

    async def stopped() -> None:
        await stop.wait()
        await app.shutdown()  # ends the requests in flight, for which the server waits

    await serve(app, listener, stopped)


if __name__ == "__main__":
    main()
