"""The managed prefix lists with Amazon S3's addresses, which gateway endpoints route."""

from __future__ import annotations

from aws_cdk import Aws, CfnMapping, Stack, Token
from constructs import Construct

from ..limits import S3_PREFIX_LISTS


def check_s3_prefix_list(scope: Construct) -> None:
    """Check that the list of the stack's region is known.

    :raises ValueError: if it is not. In a stack of any region, the deployment fails instead.
    """
    region = Stack.of(scope).region
    if not Token.is_unresolved(region) and region not in S3_PREFIX_LISTS:
        raise ValueError(
            f"the id of Amazon S3's prefix list in region {region!r} is not known here, only those "
            f"in {', '.join(S3_PREFIX_LISTS)}; pass s3_prefix_list_id=, which the command 'aws ec2 "
            "describe-managed-prefix-lists --filters Name=prefix-list-name,"
            f"Values=com.amazonaws.{region}.s3' shows"
        )


def s3_prefix_list(scope: Construct) -> str:
    """Return the id of the list in the region of the deployment."""
    lists = {region: {"Id": list_id} for region, list_id in S3_PREFIX_LISTS.items()}
    return CfnMapping(scope, "S3PrefixLists", mapping=lists).find_in_map(Aws.REGION, "Id")
