"""The managed prefix lists with Amazon S3's addresses, which gateway endpoints route."""

from __future__ import annotations

from aws_cdk import Aws, CfnMapping, Stack, Token
from constructs import Construct

# AWS creates one list in each region, and CloudFormation has no attribute for its id. The ids are
# those that `aws ec2 describe-managed-prefix-lists` reports for com.amazonaws.<region>.s3, in
# outputs that users of these regions have published.
S3_PREFIX_LISTS = {
    "ap-northeast-1": "pl-61a54008",
    "ap-northeast-2": "pl-78a54011",
    "ap-south-1": "pl-78a54011",
    "ap-southeast-1": "pl-6fa54006",
    "ap-southeast-2": "pl-6ca54005",
    "ca-central-1": "pl-7da54014",
    "eu-central-1": "pl-6ea54007",
    "eu-north-1": "pl-c3aa4faa",
    "eu-west-1": "pl-6da54004",
    "eu-west-2": "pl-7ca54015",
    "eu-west-3": "pl-23ad484a",
    "sa-east-1": "pl-6aa54003",
    "us-east-1": "pl-63a5400a",
    "us-east-2": "pl-7ba54012",
    "us-west-2": "pl-68a54001",
}


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
