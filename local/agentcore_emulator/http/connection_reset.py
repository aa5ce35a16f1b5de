"""Reset a TCP connection: the peer gets RST, not an orderly end of the stream.

ASGI has no message for this, so the connection is found by its peer among the descriptors of
this process, whatever server or middleware accepted it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

# The descriptors of this process, on Linux and on macOS.
OPEN_DESCRIPTORS = Path("/dev/fd")

# A close with a linger time of zero sends RST.
LINGER_ZERO = struct.pack("ii", 1, 0)


def reset_connection(peer: tuple[str, int]) -> None:
    """Reset this process's connection with a peer's host and port.

    The server finds out when it next writes to the connection.
    """
    for descriptor in connections_with(peer):
        connection = socket.socket(fileno=descriptor)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        connection.detach()
        put_dead_socket_in_place(descriptor)


def connections_with(peer: tuple[str, int]) -> Iterator[int]:
    for entry in OPEN_DESCRIPTORS.iterdir():
        descriptor = int(entry.name)
        try:
            connection = socket.socket(fileno=descriptor)
        except OSError:  # it is no socket
            continue
        try:
            found = connection.getpeername()[:2] == peer
        except OSError:  # it is not connected
            found = False
        finally:
            connection.detach()
        if found:
            yield descriptor


def put_dead_socket_in_place(descriptor: int) -> None:
    """Close a descriptor that the server still uses, without freeing its number for others."""
    dead, other_end = socket.socketpair()
    other_end.close()
    with dead:
        os.dup2(dead.fileno(), descriptor, inheritable=False)
