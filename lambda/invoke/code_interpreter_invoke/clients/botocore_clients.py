"""botocore's clients, made once for the life of the execution environment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

# 130 ms, most of a cold start: signatures, retries and event streams are botocore's to maintain.
import botocore.session
from botocore.config import Config
from botocore.hooks import HierarchicalEmitter

from ..deadline import Deadline
from .background import in_background
from .connections import set_up_connections
from .pruned_data import PrunedData
from .time_limit import current_limit
from .trust_store import TrustStore

# The service ends a synchronous request after 15 minutes (the service's quotas page).
LONGEST_INVOCATION = 900.0
# Seconds that the start of the function waits for its connections; in a region they take 20 ms.
OPEN_SECONDS = 0.5
# botocore asks STS for credentials where a profile or a web identity names a role.
SERVICES = ("bedrock-agentcore", "s3", "sts")


class Clients(NamedTuple):
    """botocore's clients. `agentcore_single_attempt` never sends a request a second time."""

    agentcore_single_attempt: Any
    agentcore: Any
    s3: Any


class Emitter(HierarchicalEmitter):
    """botocore's events, whose handlers let no pause between attempts be longer than the limit."""

    def register(
        self, event_name: str, handler: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        """Register a handler."""
        if event_name.startswith("needs-retry."):
            handler = within_limit(handler)
        super().register(event_name, handler, *args, **kwargs)


def within_limit(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that asks for no further attempt if the pause before it is too long."""

    def handle(**kwargs: Any) -> Any:
        pause = handler(**kwargs)
        limit = current_limit.get()
        if pause is None or limit is None or pause < limit.remaining():
            return pause
        # Older versions of botocore would take False for a pause of no seconds.
        return None

    return handle


class Session(botocore.session.Session):
    """A session of botocore without the handlers of other services, and without old event names.

    Each client copies the handlers, and looks for 46 old names of services in the name of each
    event: half of the time that it takes to create the clients.
    """

    def __init__(self) -> None:
        emitter = Emitter()
        super().__init__(event_hooks=emitter)
        self.register_component("event_emitter", emitter)
        self.register_component("data_loader", PrunedData())

    def register(self, event_name: str, *args: Any, **kwargs: Any) -> None:
        """Register a handler, unless it is another service's or one for the documentation.

        :param event_name: Such as `before-call.s3.PutObject`, or shorter.
        """
        kind, _, rest = event_name.partition(".")
        if kind != "docs" and rest.partition(".")[0] in ("", *SERVICES):
            super().register(event_name, *args, **kwargs)


def connect() -> Clients:
    """Create the clients from the environment: region, credentials and `AWS_ENDPOINT_URL`."""
    # At DEBUG these loggers log requests and responses with their bodies, at INFO nothing useful.
    for name in ("botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    session = Session()

    def agentcore(**options: Any) -> Any:
        config = Config(connect_timeout=5, **options)
        return session.create_client("bedrock-agentcore", config=config)

    # InvokeCodeInterpreter has no client token. By default botocore sends it up to five times, even
    # after a read timeout while the code is still running.
    agentcore_single_attempt = agentcore(
        retries={"mode": "standard", "total_max_attempts": 1},
        read_timeout=LONGEST_INVOCATION + 10,
    )
    clients = Clients(
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
    trust_store = TrustStore.new()
    for client in clients:
        set_up_connections(client, trust_store)
    return clients


def open_connections(clients: Clients, bucket: str) -> None:
    """Make the connections that almost every request needs.

    Lambda starts the function with a whole CPU, and gives a request a part of one. A connection
    that cannot be made in time, or that is dead when the first request comes, is made by that.

    :param bucket: The workspace bucket.
    """
    deadline = Deadline(OPEN_SECONDS)
    agentcore, s3 = clients.agentcore_single_attempt, clients.s3

    def open_agentcore() -> None:
        agentcore._endpoint.http_session.open(agentcore.meta.endpoint_url)

    def open_s3() -> None:
        # The bucket may have a host of its own.
        url = s3.generate_presigned_url("head_bucket", {"Bucket": bucket})
        s3._endpoint.http_session.open(url)

    opening = [in_background(open_agentcore), in_background(open_s3)]
    for connection in opening:
        with suppress(Exception):
            connection.result(deadline.remaining())


@cache
def connect_ssm() -> Any:
    """Create a client of Systems Manager, which few execution environments ever need."""
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return botocore.session.Session().create_client("ssm", config=config)
