"""The availability zones in which AgentCore accepts subnets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aws_cdk import Annotations, Stack, Token
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

# AgentCore developer guide, "Configure AgentCore Runtime and tools for VPC", which lists these
# regions only. The zones have ids, because a name such as us-east-1a means another zone in every
# account.
SUPPORTED_ZONE_IDS = {
    "ap-northeast-1": ("apne1-az1", "apne1-az2", "apne1-az4"),
    "ap-northeast-2": ("apne2-az1", "apne2-az2", "apne2-az3"),
    "ap-south-1": ("aps1-az1", "aps1-az2", "aps1-az3"),
    "ap-southeast-1": ("apse1-az1", "apse1-az2", "apse1-az3"),
    "ap-southeast-2": ("apse2-az1", "apse2-az2", "apse2-az3"),
    "ap-southeast-5": ("apse5-az1", "apse5-az2", "apse5-az3"),
    "ap-southeast-7": ("apse7-az1", "apse7-az2", "apse7-az3"),
    "ca-central-1": ("cac1-az1", "cac1-az2", "cac1-az4"),
    "eu-central-1": ("euc1-az1", "euc1-az2", "euc1-az3"),
    "eu-north-1": ("eun1-az1", "eun1-az2", "eun1-az3"),
    "eu-south-1": ("eus1-az1", "eus1-az2", "eus1-az3"),
    "eu-south-2": ("eus2-az1", "eus2-az2", "eus2-az3"),
    "eu-west-1": ("euw1-az1", "euw1-az2", "euw1-az3"),
    "eu-west-2": ("euw2-az1", "euw2-az2", "euw2-az3"),
    "eu-west-3": ("euw3-az1", "euw3-az2", "euw3-az3"),
    "sa-east-1": ("sae1-az1", "sae1-az2", "sae1-az3"),
    "us-east-1": ("use1-az1", "use1-az2", "use1-az4"),
    "us-east-2": ("use2-az1", "use2-az2", "use2-az3"),
    "us-gov-west-1": ("usgw1-az1", "usgw1-az2", "usgw1-az3"),
    "us-west-2": ("usw2-az1", "usw2-az2", "usw2-az3"),
}

_ZONE_ID = re.compile(r"([a-z]+\d+)-az\d+")
# The part of an id before "-az" names the region.
_REGIONS = {ids[0].partition("-")[0]: region for region, ids in SUPPORTED_ZONE_IDS.items()}


def check_region_with_zones(scope: Construct) -> None:
    """Check that AgentCore supports zones in the stack's region, if that is known.

    :raises ValueError: if it supports none.
    """
    region = Stack.of(scope).region
    if not Token.is_unresolved(region) and region not in SUPPORTED_ZONE_IDS:
        raise ValueError(
            f"the stack is in region {region!r}, but AgentCore's documentation names availability "
            f"zones in {', '.join(SUPPORTED_ZONE_IDS)} only; choose another region, or define a "
            "VPC of your own and pass Network.vpc(...)"
        )


def report_unsupported_zones(scope: Construct, subnets: Iterable[ec2.ISubnet]) -> None:
    """Warn about subnets in zones that are not supported.

    This is no error, because AWS adds zones.
    """
    zones = [_zone(subnet) for subnet in subnets]
    for zone in sorted({zone for zone in zones if zone is not None}):
        region = _REGIONS.get(zone.partition("-")[0])
        if region is not None and zone not in SUPPORTED_ZONE_IDS[region]:
            Annotations.of(scope).add_warning_v2(
                f"cdk-code-interpreter:unsupportedZone:{zone}",
                f"a subnet is in availability zone {zone}, but in {region} AgentCore supports "
                f"{', '.join(SUPPORTED_ZONE_IDS[region])}; choose a subnet in one of them, or "
                "acknowledge this warning if AWS has added the zone",
            )
    supported = SUPPORTED_ZONE_IDS.get(Stack.of(scope).region)
    if None in zones and supported is not None:
        Annotations.of(scope).add_info_v2(
            "cdk-code-interpreter:unknownZone",
            f"AgentCore supports subnets in availability zones {', '.join(supported)} here; the "
            "ids of some subnets' zones are not known at synth, so check them with "
            "'aws ec2 describe-subnets'",
        )


def _zone(subnet: ec2.ISubnet) -> str | None:
    """Return the id of a subnet's availability zone, or None if it is unknown."""
    definition = subnet.node.default_child
    if isinstance(definition, ec2.CfnSubnet) and definition.availability_zone_id is not None:
        zone = definition.availability_zone_id
    else:
        try:
            zone = subnet.availability_zone
        except RuntimeError:  # imported without its zone
            return None
    if Token.is_unresolved(zone) or not _ZONE_ID.fullmatch(zone):
        return None
    return zone
