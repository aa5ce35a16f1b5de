"""Let Amazon S3 know through which gateway endpoint a sandbox's request comes.

The gap: MiniStack has no network, so `aws:SourceVpce` is never set, and the policy of an endpoint
is not evaluated. Here the request of a process in the sandbox of a VPC comes through the endpoint
to which the route tables of the sandbox's subnets lead. The process is found by its connection,
which takes Linux; elsewhere a request comes through no endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from ministack.services import ec2

from agentcore_emulator.service.owner import Owner
from local_aws.ministack_patches.requirements import require


class VpcSandbox(NamedTuple):
    """A sandbox in a VPC. `process_ids` returns those of its processes at the moment."""

    owner: Owner
    subnet_ids: list[str]
    process_ids: Callable[[], list[int]]


# Returns the endpoint of the current request, or None. Only requests to Amazon S3 ask.
endpoint_of_request: ContextVar[Callable[[], dict[str, Any] | None]] = ContextVar(
    "endpoint_of_request", default=lambda: None
)


def install() -> None:
    """Check that MiniStack has the VPC's resources."""
    require(ec2, ["_route_tables", "_vpc_endpoints"])


def remember_request(
    client: tuple[str, int] | None,
    server: tuple[str, int],
    sandboxes: Callable[[], Iterable[VpcSandbox]],
) -> None:
    """Keep where the current request comes from.

    :param client: The address of the other end of its connection.
    :param server: The address of this end.
    """

    def endpoint() -> dict[str, Any] | None:
        candidates = [(sandbox, s3_endpoint(sandbox)) for sandbox in sandboxes()]
        candidates = [(sandbox, found) for sandbox, found in candidates if found]
        socket = socket_of(client[1], server[1]) if client and candidates else None
        for sandbox, found in candidates:
            if socket and has_open(sandbox.process_ids(), socket):
                return found
        return None

    endpoint_of_request.set(endpoint)


def s3_endpoint(sandbox: VpcSandbox) -> dict[str, Any] | None:
    """Return the gateway endpoint for Amazon S3 of a sandbox's subnets."""
    account, region = sandbox.owner.account, sandbox.owner.region
    route_tables = {
        table["RouteTableId"]
        for table in ec2._route_tables.values_scoped(account, region)
        for association in table["Associations"]
        if association.get("SubnetId") in sandbox.subnet_ids
    }
    for endpoint in ec2._vpc_endpoints.values_scoped(account, region):
        is_s3 = endpoint["ServiceName"].endswith(".s3")
        if is_s3 and route_tables & set(endpoint["RouteTableIds"]):
            found: dict[str, Any] = endpoint
            return found
    return None


def policy_of(endpoint: dict[str, Any]) -> dict[str, Any] | None:
    """Return the policy of an endpoint, or None if it admits everything."""
    policy = endpoint["PolicyDocument"]
    parsed: dict[str, Any] | None = json.loads(policy) if isinstance(policy, str) else policy
    return parsed


def socket_of(port: int, remote_port: int) -> str | None:
    """Return the client's socket of a TCP connection, in the words of Linux, or None.

    A port can have several connections, each with another port at the remote end.
    """
    try:
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return None
    for row in rows:
        fields = row.split()
        if fields[1].endswith(f":{port:04X}") and fields[2].endswith(f":{remote_port:04X}"):
            return f"socket:[{fields[9]}]"
    return None


def has_open(process_ids: Iterable[int], socket: str) -> bool:
    """Tell whether one of the processes has a socket open."""
    for process_id in process_ids:
        try:
            for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
                if str(descriptor.readlink()) == socket:
                    return True
        except OSError:
            continue  # the process or the file has gone
    return False
