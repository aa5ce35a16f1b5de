"""Connections to Lambda that last as long as a function can run, and that a fork does not share."""

from __future__ import annotations

import os
import socket
import weakref
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from .aws_errors import unavailable
from .errors import FunctionUnavailable

# In seconds. A function may run for 30 minutes (Lambda's limit for synchronous invocations since
# 2026-11-19), and only its own settings say for how long this one does. To read them takes a
# permission that a caller need not have.
MAX_FUNCTION_SECONDS: Final = 1_800
CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = MAX_FUNCTION_SECONDS + 10
# NAT gateways and load balancers drop a connection that is idle for 350 seconds.
KEEP_ALIVE_SECONDS: Final = 60


def lambda_client(session: Any) -> Any:
    """Return a client of Lambda that waits as long as a function can run, and never sends twice.

    By default boto3 waits for one minute, and then sends the request up to four times more.

    :param session: A boto3 session.
    :raises FunctionUnavailable: if the region or the credentials are missing
    """
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
        max_pool_connections=50,
    )
    try:
        client = session.client("lambda", config=config)
    except BotoCoreError as error:
        raise unavailable(error, "Lambda") or FunctionUnavailable(
            str(error), "no_credentials"
        ) from error
    keep_alive(client)
    HTTP_SESSIONS.add(client._endpoint.http_session)
    return client


def keep_alive(client: Any) -> None:
    """Make the client's connections send probes before an idle connection is dropped.

    botocore's own option switches probes on, the first of which Linux sends after two hours. It has
    no public place for the interval.
    """
    http_session = client._endpoint.http_session
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    # Linux has TCP_KEEPIDLE; macOS calls it TCP_KEEPALIVE.
    for name in ("TCP_KEEPIDLE", "TCP_KEEPALIVE", "TCP_KEEPINTVL"):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), KEEP_ALIVE_SECONDS))
    http_session._socket_options = options
    http_session._manager.connection_pool_kw["socket_options"] = options


# The connections of the clients, and those that this process has inherited, which it must not use:
# both processes would read from them, each the other's responses. Nor does it close them, which can
# wait for a lock of a thread that the fork has not copied.
NUM_POOLS: Final = 10
HTTP_SESSIONS: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
INHERITED: Final[list[Any]] = []


def forget_connections() -> None:
    """Let the clients of a forked process make connections of their own."""
    for http_session in HTTP_SESSIONS:
        connections = http_session._manager
        INHERITED.extend((connections.pools, http_session._proxy_managers))
        connections.pools = type(connections.pools)(NUM_POOLS)
        http_session._proxy_managers = {}


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=forget_connections)
