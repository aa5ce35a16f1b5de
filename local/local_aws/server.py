"""Run the process behind the local AWS: MiniStack and the emulator on one loopback port.

`local_aws.LocalAws` starts it with a scrubbed environment and a directory of its own. The process
ends when its standard input does, so it never outlives its parent, and it ends the Lambda workers
and the sandboxes and removes the directory.

    python -m local_aws.server --port 0 --directory DIR --lambda-python P [--sandbox-python P]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path

from agentcore_emulator.http.server import serve
from local_aws.activity import Activity

HOST = "127.0.0.1"
SHUTDOWN_LIMIT_SECONDS = 20


def main() -> None:
    arguments = parse_arguments()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, arguments.port))
    listener.listen()  # from now on connections wait instead of being refused
    port = listener.getsockname()[1]
    configure_ministack(port, arguments.authorization)
    # os._exit, because MiniStack's threads may wait for a custom resource for an hour.
    try:
        asyncio.run(run(listener, arguments))
    except BaseException:
        # The parent reads the log before it removes the directory.
        traceback.print_exc()
        if parent_has_ended():
            shutil.rmtree(arguments.directory, ignore_errors=True)
        os._exit(1)
    shutil.rmtree(arguments.directory, ignore_errors=True)
    os._exit(0)


def parent_has_ended() -> bool:
    """Return whether standard input has ended: the parent never writes to it."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_aws.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--lambda-python", type=Path, required=True)
    parser.add_argument("--sandbox-python", type=Path)
    parser.add_argument("--show-activity", action="store_true")
    parser.add_argument("--no-authorization", dest="authorization", action="store_false")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    return parser.parse_args()


def configure_ministack(port: int, authorization: bool) -> None:
    """Set the environment variables that MiniStack reads once, when it is imported."""
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
    from local_aws.app import LocalAwsApp  # imports MiniStack, so only after it is configured

    app = LocalAwsApp(
        lambda_python=arguments.lambda_python,
        sandbox_python=arguments.sandbox_python,
        sessions=arguments.directory / "sessions",
        enforce_policies=arguments.authorization,
        emulator_settings=arguments.set,
        activity=Activity(sys.stdout) if arguments.show_activity else None,
    )
    endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
    stop = stop_event(arguments.directory)

    async def stopped() -> None:
        """End the sandboxes before the server waits for the calls that run in them."""
        await stop.wait()
        await app.shutdown()

    serving = asyncio.create_task(serve(app, listener, stopped))
    await app.startup()
    sys.stdout.write(json.dumps({"endpoint": endpoint}) + "\n")  # the parent waits for this line
    sys.stdout.flush()
    await serving


def stop_event(directory: Path) -> asyncio.Event:
    """Return an event that SIGTERM, SIGINT or the end of standard input sets.

    After the end of standard input, the process removes `directory` and exits within a time limit.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def wait_for_parent() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)
        # The parent is gone and cannot kill this process if something blocks the loop.
        time.sleep(SHUTDOWN_LIMIT_SECONDS)
        shutil.rmtree(directory, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=wait_for_parent, daemon=True).start()
    return stop


if __name__ == "__main__":
    main()
