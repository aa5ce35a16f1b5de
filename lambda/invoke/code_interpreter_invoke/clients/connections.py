"""The connections of the clients: kept alive, made early, and with one trust store for all.

botocore runs in the request's own thread, and its sockets keep to the request's time limit.
"""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from ssl import SSLSocket
from typing import Any

from botocore.awsrequest import (
    AWSConnection,
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import SSLError
from urllib3.exceptions import ConnectTimeoutError
from urllib3.exceptions import SSLError as TlsError

from .background import in_background
from .time_limit import LimitedSocket, LimitedTlsSocket, current_limit
from .trust_store import OtherAuthorityError, TrustStore

log = logging.getLogger(__name__)

# NAT gateways and load balancers drop a connection that is idle for 350 seconds, which a connection
# is that waits for a program. Linux sends the first probe after two hours unless it is told.
KEEP_ALIVE_SECONDS = 60
# Seconds after which a connection without requests may be dead: Lambda freezes the function between
# requests, so that it does not learn that the server has closed the connection. A request that is
# sent only once must not meet such a connection: its outcome would not be known.
MAX_IDLE_SECONDS = 20.0
# Seconds in which tickets come after a handshake; in a region, a round trip takes a millisecond.
TICKET_SECONDS = 0.02


class HandshakeError(TlsError):
    """TLS could not begin, so nothing was sent."""


class LimitedConnection(AWSConnection):
    """Connects and waits within the time limit of the request."""

    def _new_conn(self) -> LimitedSocket:
        """Look up the host and connect.

        :raises ConnectTimeoutError: if it takes too long
        """
        limit = current_limit.get()
        if limit is None:
            return LimitedSocket.taking(super()._new_conn())
        # Looking up the name of a host has no timeout, so it is done in another thread.
        connecting = in_background(super()._new_conn)
        try:
            connection = LimitedSocket.taking(connecting.result(limit.remaining()))
        except TimeoutError:
            raise ConnectTimeoutError(self, "no time is left for connecting") from None
        connection.limit = limit
        return connection

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request. A connection that is used again has the limit of its last request.

        Every request comes by here; urllib3 1.26 sends chunked ones without calling `request`.
        """
        if self.sock is not None:
            self.sock.limit = current_limit.get()
        super().putrequest(*args, **kwargs)


class PlainConnection(LimitedConnection, AWSHTTPConnection):
    """A connection without TLS."""


class TlsConnection(LimitedConnection, AWSHTTPSConnection):
    """A connection whose handshake fails with an error of its own.

    urllib3 has the same errors for a handshake that fails and for a response that breaks off.
    """

    def connect(self) -> None:
        """Connect, and begin TLS.

        :raises HandshakeError: if there is a server and TLS with it cannot begin
        """
        self.ssl_context.sslsocket_class = LimitedTlsSocket
        try:
            super().connect()
        except (TlsError, OSError, ValueError) as error:
            # A ValueError is a certificate of another host, or none from a server that is gone.
            raise HandshakeError(error) from error


class PlainConnectionPool(AWSHTTPConnectionPool):
    ConnectionCls = PlainConnection


class TlsConnectionPool(AWSHTTPSConnectionPool):
    ConnectionCls = TlsConnection


class Connections:
    """Sends the requests of a client through botocore's HTTP session.

    botocore has no public option for what is set up here.
    """

    def __init__(self, http_session: Any, trust_store: TrustStore) -> None:
        """Take the HTTP session that botocore made for a client.

        :raises AttributeError, KeyError: if this version of botocore is built differently.
        """
        self._http_session = http_session
        self._used_at = 0.0
        pool_classes = http_session._pool_classes_by_scheme
        pool_classes["http"], pool_classes["https"] = PlainConnectionPool, TlsConnectionPool
        options = http_session._manager.connection_pool_kw
        options["socket_options"] = keep_alive_options()
        # The connections of a proxy are made later, with these, and read the whole bundle.
        http_session._socket_options = options["socket_options"]
        options["ssl_context"] = trust_store

    def send(self, request: Any) -> Any:
        """Send a request, at most once: without a trusted certificate it is not sent."""
        if time.time() - self._used_at > MAX_IDLE_SECONDS:
            self._http_session.close()
        # Set before the request: that of a heartbeat may end as soon as Lambda thaws the function,
        # and connections that were idle all the time would seem to be in use.
        self._used_at = time.time()
        try:
            return self._http_session.send(request)
        except SSLError as error:
            if not is_caused_by(error, OtherAuthorityError):
                raise
        return self._http_session.send(request)

    def open(self, url: str) -> None:
        """Make a connection for the first request."""
        http_session = self._http_session
        if http_session._proxy_config.proxy_url_for(url):
            return
        pool = http_session._manager.connection_from_url(url)
        http_session._setup_ssl_cert(pool, url, http_session._verify)
        self._used_at = time.time()
        connection = pool._get_conn()
        connection.connect()
        receive_tickets(connection.sock)
        pool._put_conn(connection)

    def close(self) -> None:
        self._http_session.close()


def set_up_connections(client: Any, trust_store: TrustStore) -> None:
    """Let the client use `Connections`.

    The function runs with the runtime's botocore, which can change. Without `Connections`, requests
    keep to botocore's timeouts alone, each connection reads the whole trust store, and programs of
    more than 350 seconds are at risk.
    """
    try:
        endpoint = client._endpoint
        endpoint.http_session = Connections(endpoint.http_session, trust_store)
    except (AttributeError, KeyError):
        log.warning("cannot set up the connections of this version of botocore")


def receive_tickets(connection: socket.socket) -> None:
    """Receive the tickets that a server sends after the handshake of TLS 1.3.

    urllib3 takes a connection with something to receive for one that the server has closed.
    """
    if isinstance(connection, SSLSocket):
        seconds = connection.gettimeout()
        connection.settimeout(TICKET_SECONDS)
        with suppress(TimeoutError):
            connection.recv(1)
        connection.settimeout(seconds)


def keep_alive_options() -> list[tuple[int, int, int]]:
    """Return the socket options that send probes before an idle connection is dropped."""
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_SECONDS),
    ]
    if hasattr(socket, "TCP_KEEPIDLE"):  # which macOS does not have
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS))
    return options


def is_handshake_error(error: Exception) -> bool:
    """Tell whether an error of botocore means that TLS could not begin."""
    return isinstance(error, SSLError) and isinstance(error.kwargs["error"], HandshakeError)


def is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__context__
    return False
