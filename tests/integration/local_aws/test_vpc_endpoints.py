"""The endpoint of a VPC is found by the connection of a sandbox."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_aws.ministack_patches.vpc_endpoints import socket_of


@pytest.mark.skipif(sys.platform != "linux", reason="/proc has the connections")
def test_connections_of_the_same_port_are_told_apart() -> None:
    port, sockets = 0, {}
    with ExitStack() as open_sockets:
        for _ in range(2):
            server = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
            client = open_sockets.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("127.0.0.1", port))
            client.connect(server.getsockname())
            port = client.getsockname()[1]
            descriptor = Path(f"/proc/self/fd/{client.fileno()}")
            sockets[server.getsockname()[1]] = str(descriptor.readlink())
        assert {remote: socket_of(port, remote) for remote in sockets} == sockets
