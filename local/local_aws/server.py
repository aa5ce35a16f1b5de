"""The process behind the local AWS: MiniStack and our emulator on one loopback port.

Started by `local_aws.LocalAws` with a scrubbed environment and a directory of its own; it ends
when its standard input does, so it never outlives whoever started it, and takes the Lambda
workers, the sandboxes and the directory with it.

    python -m local_aws.server --port 0 --directory DIR --lambda-python P --sandbox-python P
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hypercorn.asyncio import serve
from hypercorn.config import Config

if TYPE_CHECKING:
    from agentcore_emulator.exchange import Receive, Scope, Send

HOST = "127.0.0.1"
SHUTDOWN_GRACE_SECONDS = 2

# Lambda's quota for the event of a synchronous invocation, in bytes.
MAXIMUM_EVENT = 6 * 1024 * 1024


def main() -> None:
    arguments = parse_arguments()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, arguments.port))
    listener.listen()  # from here on a client's connection waits instead of being refused
    port = listener.getsockname()[1]
    configure_ministack(port, arguments.authorization)
    try:
        asyncio.run(run(listener, arguments))
    finally:
        shutil.rmtree(arguments.directory, ignore_errors=True)
        # MiniStack's worker threads may wait for a custom resource for an hour.
        os._exit(0)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_aws.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--lambda-python", type=Path, required=True)
    parser.add_argument("--sandbox-python", type=Path, required=True)
    parser.add_argument("--no-authorization", dest="authorization", action="store_false")
    return parser.parse_args()


def configure_ministack(port: int, authorization: bool) -> None:
    """MiniStack reads its settings from the environment, once, when it is imported."""
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": HOST,
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AUTH": "true" if authorization else "false",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }
    )


async def run(listener: socket.socket, arguments: argparse.Namespace) -> None:
    app = LocalAwsApp(arguments)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = SHUTDOWN_GRACE_SECONDS
    config.keep_alive_timeout = 75
    stop = stop_event()
    try:
        serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
        await app.emulator.startup()
        endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
        sys.stdout.write(
            json.dumps({"endpoint": endpoint}) + "\n"
        )  # the parent waits for this line
        sys.stdout.flush()
        await serving
    finally:
        await app.close()


def stop_event() -> asyncio.Event:
    """Set by SIGTERM, SIGINT or the end of standard input."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def wait_for_parent() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_parent, daemon=True).start()
    return stop


class LocalAwsApp:
    """Routes each request to the emulator or to MiniStack."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from ministack import app as ministack
        from ministack.core import hypercorn_compat

        from agentcore_emulator.app import create_app
        from agentcore_emulator.sandbox import SandboxSettings
        from agentcore_emulator.settings import EmulatorSettings
        from local_aws import authorization, custom_resources, lambda_runtime

        hypercorn_compat.install()
        lambda_runtime.install(arguments.lambda_python)
        custom_resources.install()
        authorization.install()
        self.lambda_runtime = lambda_runtime
        self.ministack = ministack.app
        sandbox = SandboxSettings(
            python=arguments.sandbox_python,
            deno=Path(sys.executable).with_name("deno"),
            node=Path(sys.executable).with_name("node"),
        )
        settings = EmulatorSettings(directory=arguments.directory / "sessions", sandbox=sandbox)
        self.emulator = create_app(settings, resolve_account=authorization.account_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.ministack(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        path = scope["path"]
        if self.emulator.handles(path, headers):
            await self.emulator(scope, receive, send)
            return
        if path == "/_ministack/reset":
            await self.emulator.reset()
        self.lambda_runtime.remember_client_context(headers.get("x-amz-client-context"))
        # Plain HTTP on loopback stands for TLS: every "TLS only" bucket policy would deny it.
        secured = [*scope["headers"], (b"x-forwarded-proto", b"https")]
        await self.ministack({**scope, "headers": secured}, receive, send)

    async def close(self) -> None:
        from ministack.core import lambda_runtime

        await self.emulator.shutdown()
        lambda_runtime.reset()


if __name__ == "__main__":
    main()
