"""The log groups that the library makes."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


def new_log_group(
    scope: Construct,
    construct_id: str,
    *,
    log_encryption_key: kms.IKey | None = None,
    log_removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
) -> logs.LogGroup:
    """Define a log group that keeps events for one month and is deleted with the stack."""
    return logs.LogGroup(
        scope,
        construct_id,
        encryption_key=log_encryption_key,
        removal_policy=log_removal_policy,
        retention=log_retention,
    )
