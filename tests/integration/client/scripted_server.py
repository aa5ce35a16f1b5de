"""A server on loopback that does as Lambda does, step by step of a script."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

RESET: Final = struct.pack("ii", 1, 0)  # a socket with this option sends a reset when it is closed

# One step: what the server does with a request. Each returns nothing and has written its response.
Step = Any


def respond(body: Any, **headers: str) -> Step:
    """Send a function's response."""
    encoded = json.dumps(body).encode()

    def step(handler: Handler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(encoded)))
        handler.end_headers()
        handler.wfile.write(encoded)

    return step


def fail(message: str) -> Step:
    """End the function outside its own code."""
    return respond({"errorMessage": message, "errorType": "X"}, X_Amz_Function_Error="Unhandled")


def refuse(status: int, code: str) -> Step:
    """Send an error of the Lambda API."""
    encoded = json.dumps({"Message": f"message of {code}"}).encode()

    def step(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("x-amzn-ErrorType", code)
        handler.send_header("Content-Length", str(len(encoded)))
        handler.end_headers()
        handler.wfile.write(encoded)

    return step


def reset(handler: Handler) -> None:
    """Break the connection after the request."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    handler.close_connection = True
    handler.connection.close()


def close(handler: Handler) -> None:
    """Close the connection in the order of TCP, without a response."""
    handler.close_connection = True


def cut_in_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Ty")
    handler.close_connection = True


def cut_in_body(handler: Handler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": "o')
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    """Takes the next step of the script for each request."""

    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def do_POST(self) -> None:
        """Invoke."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.events.append(json.loads(body))
        steps = self.server.steps
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        step(self)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def handle(self) -> None:
        """Handle a connection that the script may break."""
        with contextlib.suppress(OSError):
            super().handle()

    def finish(self) -> None:
        """Close a connection that the script may have broken."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class ScriptedServer(ThreadingHTTPServer):
    """The server, with the events that it received. The last step is repeated."""

    daemon_threads = True

    def __init__(self, *steps: Step) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.steps = list(steps)
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"
