"""Destinations that code in a sandbox could try, and those that could come to it."""

from __future__ import annotations

from dataclasses import dataclass

from .templates import ACCOUNT

OTHER_ACCOUNT = "999999999999"
S3_ADDRESS = "198.51.100.3"  # of the managed prefix list
PEER = "Peer"
STRANGER = "Stranger"


@dataclass(frozen=True)
class Name:
    """A DNS query, whose name can carry data to the owner of its domain."""

    domain: str


@dataclass(frozen=True)
class Host:
    """A connection to an address, or to a network interface with a security group."""

    address: str
    port: int
    protocol: str = "tcp"
    group: str = ""


@dataclass(frozen=True)
class Bucket:
    """A request to Amazon S3 in the region, signed by an account or by nobody."""

    action: str
    resource: str
    owner: str = ACCOUNT
    signer: str | None = ACCOUNT
    port: int = 443


@dataclass(frozen=True)
class Service:
    """A request to AWS Secrets Manager, for a secret of an account."""

    signer: str | None = ACCOUNT
    owner: str = ACCOUNT
    port: int = 443
    action: str = "secretsmanager:GetSecretValue"
    resource: str = "arn:aws:secretsmanager:us-east-1:111111111111:secret:a"


@dataclass(frozen=True)
class Inbound:
    """A connection from an address in the VPC to the sandbox."""

    address: str
    port: int


Destination = Name | Host | Bucket | Service | Inbound


def destinations(bucket: str) -> dict[str, Destination]:
    """Return the destinations by their names; `bucket` is the name of the workspace's bucket."""
    arn = f"arn:aws:s3:::{bucket}"
    key = f"{arn}/workspace/s/uploads/a"
    regional = "s3.us-east-1.amazonaws.com"
    foreign = "arn:aws:s3:::attackers/a"
    return {
        "name of the bucket": Name(f"{bucket}.{regional}"),
        "name below the bucket": Name(f"data.{bucket}.{regional}"),
        "name of S3": Name(regional),
        "name below S3": Name(f"data.{regional}"),
        "name of S3 elsewhere": Name("s3.eu-west-1.amazonaws.com"),
        "name of a service": Name("secretsmanager.us-east-1.amazonaws.com"),
        "name below a service": Name("data.secretsmanager.us-east-1.amazonaws.com"),
        "name of AWS": Name("data.us-east-1.amazonaws.com"),
        "name of the peer": Name("db.example.com"),
        "name below the peer": Name("data.db.example.com"),
        "name beside the peer": Name("data.example.com"),
        "name of anybody": Name("data.attacker.test"),
        "internet, HTTPS": Host("203.0.113.9", 443),
        "internet, HTTP": Host("203.0.113.9", 80),
        "internet, a resolver": Host("203.0.113.53", 53, "udp"),
        "internet, IPv6": Host("2001:db8::9", 443),
        "network behind a route": Host("172.31.0.9", 443),
        "network behind a route, another port": Host("172.31.0.9", 22),
        "VPC, HTTPS": Host("10.0.255.9", 443),
        "VPC, HTTP": Host("10.0.255.9", 80),
        "VPC, another port": Host("10.0.255.9", 8080),
        "peer": Host("10.0.255.10", 5432, group=PEER),
        "peer, another port": Host("10.0.255.10", 22, group=PEER),
        "peer, UDP": Host("10.0.255.10", 5432, "udp", group=PEER),
        "stranger": Host("10.0.255.11", 5432, group=STRANGER),
        "file, read": Bucket("s3:GetObject", key),
        "file, write": Bucket("s3:PutObject", key),
        "file, delete": Bucket("s3:DeleteObject", key),
        "files, list": Bucket("s3:ListBucket", arn),
        "file, HTTP": Bucket("s3:GetObject", key, port=80),
        "file of a longer prefix": Bucket("s3:GetObject", f"{arn}/workspace-of-others/a"),
        "record": Bucket("s3:GetObject", f"{arn}/sessions/workspace/a"),
        "file, signed by others": Bucket("s3:GetObject", key, signer=OTHER_ACCOUNT),
        "file, unsigned": Bucket("s3:GetObject", key, signer=None),
        "another bucket of the account": Bucket("s3:PutObject", "arn:aws:s3:::others/a"),
        "bucket of others, our signature": Bucket("s3:PutObject", foreign, OTHER_ACCOUNT),
        "bucket of others, their signature": Bucket(
            "s3:PutObject", foreign, OTHER_ACCOUNT, OTHER_ACCOUNT
        ),
        "bucket of others, unsigned": Bucket("s3:GetObject", foreign, OTHER_ACCOUNT, None),
        # The same name in another account: only the account of the resource tells them apart.
        "file of a namesake": Bucket("s3:PutObject", key, OTHER_ACCOUNT),
        "service": Service(),
        "service, signed by others": Service(signer=OTHER_ACCOUNT),
        "service, unsigned": Service(signer=None),
        "service, HTTP": Service(port=80),
        "service, secret of others": Service(owner=OTHER_ACCOUNT),
        "inbound, HTTPS": Inbound("10.0.255.9", 443),
        "inbound, a kernel": Inbound("10.0.255.9", 8888),
    }
