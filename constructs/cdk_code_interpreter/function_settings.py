"""The settings that both Lambda functions of the library take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs


class LogSettings(TypedDict, total=False):
    """Keyword arguments for the log groups that the library makes.

    :ivar log_encryption_key: The KMS key that encrypts the log. Its policy has to let CloudWatch
        Logs use it. Default: the key that CloudWatch Logs manages.
    :ivar log_removal_policy: Whether CloudFormation deletes the log group when it leaves the stack.
        Default: `RemovalPolicy.DESTROY`.
    :ivar log_retention: How long events are kept. Default: one month.
    """

    log_encryption_key: kms.IKey
    log_removal_policy: RemovalPolicy
    log_retention: logs.RetentionDays


class LambdaSettings(TypedDict, total=False):
    """The settings that the library passes on to `lambda_.Function`."""

    allow_all_outbound: bool
    environment_encryption: kms.IKey
    function_name: str
    on_failure: lambda_.IDestination
    reserved_concurrent_executions: int
    security_groups: Sequence[ec2.ISecurityGroup]
    tracing: lambda_.Tracing
    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection


class FunctionSettings(LambdaSettings, LogSettings, total=False):
    """Keyword arguments that `ControlFunction` and `InvokeFunction` take beside their own.

    Those of `LogSettings` are among them; they cannot be given together with `log_group`. The
    others are those of `lambda_.Function` that cannot be set on a function that is already defined.
    Each has the meaning and the default that CDK gives it.

    :ivar allow_all_outbound: Let the security group that CDK makes for the function connect
        anywhere. In a VPC only. Default: true.
    :ivar environment_encryption: The KMS key that encrypts the environment variables. Default: the
        key that Lambda manages.
    :ivar function_name: Default: a generated name.
    :ivar on_failure: The destination of asynchronous invocations that failed. Default: none.
    :ivar reserved_concurrent_executions: How many invocations can run at once, reserved for this
        function. Default: whatever the account has left.
    :ivar security_groups: In a VPC only. Default: a new group.
    :ivar tracing: Whether AWS X-Ray traces the invocations. Default: disabled.
    :ivar vpc: The VPC that the function runs in. Default: none.
    :ivar vpc_subnets: In a VPC only. Default: its private subnets.
    """
