"""botocore's clients, made once for the life of the execution environment."""

from __future__ import annotations

import logging
import socket
from functools import cache
from typing import Any, NamedTuple

import botocore.session
from botocore.config import Config

from .pruned_data import PrunedData

log = logging.getLogger(__name__)

# The service ends a synchronous request after 15 minutes (the service's quotas page).
LONGEST_INVOCATION = 900.0
# NAT gateways and load balancers drop a connection that is idle for 350 seconds, which a connection
# is that waits for a program. Linux sends the first probe after two hours unless it is told.
KEEP_ALIVE_SECONDS = 60


class Clients(NamedTuple):
    """botocore's clients. `agentcore_single_attempt` never sends a request a second time."""

    agentcore_single_attempt: Any
    agentcore: Any
    s3: Any


def connect() -> Clients:
    """Create the clients from the environment: region, credentials and `AWS_ENDPOINT_URL`."""
    # At DEBUG these loggers log requests and responses with their bodies, at INFO nothing useful.
    for name in ("botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    session = botocore.session.Session()
    session.register_component("data_loader", PrunedData())

    def agentcore(**options: Any) -> Any:
        config = Config(connect_timeout=5, tcp_keepalive=True, **options)
        return session.create_client("bedrock-agentcore", config=config)

    # InvokeCodeInterpreter has no client token. By default botocore sends it up to five times, even
    # after a read timeout while the code is still running.
    agentcore_single_attempt = agentcore(
        retries={"total_max_attempts": 1}, read_timeout=LONGEST_INVOCATION + 10
    )
    keep_alive(agentcore_single_attempt)
    return Clients(
        agentcore_single_attempt=agentcore_single_attempt,
        agentcore=agentcore(retries={"mode": "standard", "total_max_attempts": 4}, read_timeout=30),
        s3=session.create_client(
            "s3",
            config=Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"mode": "standard", "total_max_attempts": 4},
                signature_version="s3v4",
                # A sandbox without internet access reaches S3 by regional host names only.
                s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
            ),
        ),
    )


def keep_alive(client: Any) -> None:
    """Make the client's connections send probes before an idle connection is dropped.

    botocore has no public option for the interval. The function runs with the runtime's botocore,
    which can change: without the interval, only programs of more than 350 seconds are at risk.
    """
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_SECONDS),
    ]
    if hasattr(socket, "TCP_KEEPIDLE"):  # which macOS does not have
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS))
    try:
        http_session = client._endpoint.http_session
        http_session._manager.connection_pool_kw["socket_options"] = options
        # A proxy's connections are made later, with these.
        http_session._socket_options = options
    except (AttributeError, KeyError):
        log.warning("cannot set the keep-alive interval of this version of botocore")


@cache
def connect_ssm() -> Any:
    """Create a client of Systems Manager, which few execution environments ever need."""
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return botocore.session.Session().create_client("ssm", config=config)
