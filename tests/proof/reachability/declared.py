"""The destinations that each deployment declares, by hand, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2

from cdk_code_interpreter import CodeInterpreter, Network, SealedNetwork, Workspace
from tests.e2e.deploy.deployment import synthesise, synthesise_project

from .destinations import PEER, STRANGER

Define = Callable[[Path], object]

NAMES = {
    "name of the bucket",
    "name below the bucket",
    "name of S3",
    "name below S3",
    "name of S3 elsewhere",
    "name of a service",
    "name below a service",
    "name of AWS",
    "name of the peer",
    "name below the peer",
    "name beside the peer",
    "name of anybody",
}
AWS_NAMES = {name for name in NAMES if "peer" not in name and name != "name of anybody"}
S3_NAMES = {"name of the bucket", "name of S3"}
IN_VPC = {
    "VPC, HTTPS",
    "VPC, HTTP",
    "VPC, another port",
    "peer",
    "peer, another port",
    "peer, UDP",
    "stranger",
}
BEHIND_A_ROUTE = {"network behind a route", "network behind a route, another port"}
INTERNET = {"internet, HTTPS", "internet, HTTP", "internet, a resolver"}
FILES = {"file, read", "file, write"}
OWN_S3 = {
    *FILES,
    "file, delete",
    "files, list",
    "file, HTTP",
    "file of a longer prefix",
    "record",
    "another bucket of the account",
}
S3 = {
    *OWN_S3,
    "file, signed by others",
    "file, unsigned",
    "bucket of others, our signature",
    "bucket of others, their signature",
    "bucket of others, unsigned",
    "file of a namesake",
}
SERVICE = {
    "service",
    "service, signed by others",
    "service, unsigned",
    "service, HTTP",
    "service, secret of others",
}
HTTPS = (S3 | SERVICE) - {"file, HTTP", "service, HTTP"}


@dataclass(frozen=True)
class Declaration:
    """A deployment, and what it declares.

    A layer has no say about a service without an endpoint: the routes decide about that.

    :ivar layers: The destinations that each layer alone lets through, of those that it decides
        about.
    :ivar reaches: Those that all layers together let through.
    """

    define: Define
    reaches: set[str]
    layers: dict[str, set[str]] = field(default_factory=dict)


def app(**settings: Any) -> Define:
    keys = {key.replace("_", "-"): value for key, value in settings.items()}
    return lambda directory: synthesise_project(directory, keys)


def opened(cdk: App) -> None:
    """Define a sealed network with an endpoint, a peer and its name, all in one stack."""
    scope = Stack(cdk, "Opened")
    network = SealedNetwork(scope, "Network", s3_prefix_list_id="pl-63a5400a")
    peer, _ = (
        ec2.SecurityGroup(scope, name, vpc=network.vpc, description=name)
        for name in (PEER, STRANGER)
    )
    network.allow_endpoint("Secrets", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER)
    network.allow_domain("db.example.com")
    network.allow_peer(peer, ec2.Port.tcp(5432))
    Workspace(scope, "Workspace", sealed_network=network)
    CodeInterpreter(scope, "Interpreter", network=Network.sealed(network))


SEALED = {
    "routes": IN_VPC | S3,
    "security groups": S3 - {"file, HTTP"},
    "DNS": S3_NAMES,
    "endpoint policies": FILES | {"file, HTTP"} | SERVICE,
}
DECLARATIONS = {
    "sandbox": Declaration(app(), reaches=AWS_NAMES | S3),
    "public": Declaration(
        app(network="public"),
        reaches=NAMES | INTERNET | BEHIND_A_ROUTE | S3 | SERVICE | {"internet, IPv6"},
    ),
    "vpc": Declaration(
        app(network="vpc"),
        # An endpoint for this account only, and no filter of DNS.
        reaches=NAMES | (OWN_S3 - {"file, HTTP"}) | {"VPC, HTTPS"},
        layers={
            "routes": IN_VPC | S3,
            "security groups": {
                "internet, HTTPS",
                "network behind a route",
                "VPC, HTTPS",
            }
            | HTTPS,
            "DNS": NAMES,
            "endpoint policies": OWN_S3 | SERVICE,
        },
    ),
    "vpc with internet": Declaration(
        app(network="vpc", vpc_internet=True),
        reaches=NAMES
        | (OWN_S3 - {"file, HTTP"})
        | {"VPC, HTTPS", "internet, HTTPS", "network behind a route"}
        | (SERVICE - {"service, HTTP"}),
        layers={
            "routes": IN_VPC | INTERNET | BEHIND_A_ROUTE | S3 | SERVICE,
            "security groups": {
                "internet, HTTPS",
                "network behind a route",
                "VPC, HTTPS",
            }
            | HTTPS,
            "DNS": NAMES,
            "endpoint policies": OWN_S3 | SERVICE,
        },
    ),
    "sealed": Declaration(app(network="sealed"), S3_NAMES | FILES, SEALED),
    "sealed, no data path": Declaration(
        app(network="sealed", sealed_data_path=False),
        reaches=set(),
        layers={
            "routes": IN_VPC,
            "security groups": set(),
            "DNS": set(),
            "endpoint policies": S3 | SERVICE,
        },
    ),
    "sealed, opened": Declaration(
        lambda directory: synthesise(opened, directory),
        reaches=S3_NAMES | FILES | {"name of a service", "name of the peer", "service", "peer"},
        layers={
            "routes": IN_VPC | S3 | SERVICE,
            "security groups": HTTPS | {"peer"},
            "DNS": S3_NAMES | {"name of a service", "name of the peer"},
            "endpoint policies": FILES | {"file, HTTP", "service", "service, HTTP"},
        },
    ),
}
