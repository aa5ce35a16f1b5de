"""A proxy on loopback that cuts its connections at random points."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from code_interpreter_client import CodeInterpreter
from code_interpreter_client.function import Function

if TYPE_CHECKING:
    from types import TracebackType

# A connection is cut after at most this number of bytes, both directions together: in a request,
# before its response, or in the response. These have about 1,200 and 600 bytes.
MAX_BYTES: Final = 4_000
BUFFER: Final = 65_536
RESET: Final = struct.pack("ii", 1, 0)  # a socket with this option sends a reset when it is closed


class CuttingProxy:
    """Passes connections on to a server, and cuts each of them.

    :param target: The server's port on 127.0.0.1.
    :param seed: Decides where each connection is cut.
    """

    def __init__(self, target: int, seed: int) -> None:
        self._target = target
        self._random = random.Random(seed)
        self.most = MAX_BYTES
        self.cut = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            Connection(self, client, self._random.randrange(self.most)).start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._target))


class Connection:
    """A connection, and the bytes that it has left."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, left: int) -> None:
        self._proxy = proxy
        self._client = client
        self._server = proxy.connect()
        self._left = left
        self._lock = threading.Lock()

    def start(self) -> None:
        for source, target in ((self._client, self._server), (self._server, self._client)):
            threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BUFFER):
                allowed = self._take(len(data))
                target.sendall(data[:allowed])
                if allowed < len(data):
                    self._cut()
                    return
        self._close()

    def _take(self, count: int) -> int:
        """Return how many bytes may pass."""
        with self._lock:
            allowed = min(count, self._left)
            self._left -= allowed
            return allowed

    def _cut(self) -> None:
        self._proxy.cut += 1
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._close()

    def _close(self) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                end.close()


class Cut(NamedTuple):
    """A proxy, and a client of Lambda behind it."""

    proxy: CuttingProxy
    client: Any

    def interpreter(self, interpreter: CodeInterpreter) -> CodeInterpreter:
        """Return the interpreter whose requests go through the proxy."""
        return CodeInterpreter(Function(interpreter.function.name, self.client))
