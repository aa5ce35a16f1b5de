"""The Lambda functions that this library ships: where their code is and how they run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from .nag import acknowledge_wildcard

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64

# AWSLambdaVPCAccessExecutionRole without its permission to create log groups.
_NETWORK_INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)

_PACKAGE = Path(__file__).resolve().parent
# An installed wheel carries the code inside the package; a checkout keeps it next to `constructs/`.
_ASSET_ROOTS = (_PACKAGE / "lambda_assets", _PACKAGE.parent.parent / "lambda")


class FunctionSettings(TypedDict, total=False):
    """What else a function can be given, as in `lambda_.Function`; it cannot be added later."""

    environment_encryption: kms.IKey
    reserved_concurrent_executions: int
    security_groups: Sequence[ec2.ISecurityGroup]
    tracing: lambda_.Tracing
    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection


def lambda_code(name: str) -> lambda_.AssetCode:
    """The asset holding the function `name`.

    Its hash depends on the source alone: byte code that Python leaves behind is not part of it.
    """
    return lambda_.Code.from_asset(
        str(lambda_directory(name)), exclude=["**/__pycache__", "**/*.pyc", "**/.*"]
    )


def lambda_directory(name: str) -> Path:
    """Where the code of the function `name` is.

    :raises FileNotFoundError: if an installation lost it.
    """
    for root in _ASSET_ROOTS:
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(
        f"the code of the Lambda function {name!r} is in none of "
        f"{[str(root) for root in _ASSET_ROOTS]}; cdk-code-interpreter is not completely "
        "installed, so install it again"
    )


def python_function(
    scope: Construct,
    construct_id: str,
    *,
    asset: str,
    handler: str,
    description: str,
    timeout: Duration,
    memory_size: int,
    log_group: logs.ILogGroup,
    role: iam.IRole | None = None,
    environment: dict[str, str] | None = None,
    **settings: Unpack[FunctionSettings],
) -> lambda_.Function:
    """A function that may write to `log_group` and nothing else, until it is granted more.

    It cannot create log groups: Lambda writes logs late, and would bring back a group that the
    stack has just deleted.
    """
    if role is None:
        role = iam.Role(
            scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        if "vpc" in settings:
            _allow_network_interfaces(role)
    log_group.grant_write(role)
    return lambda_.Function(
        scope,
        construct_id,
        code=lambda_code(asset),
        handler=handler,
        description=description,
        runtime=RUNTIME,
        architecture=ARCHITECTURE,
        timeout=timeout,
        memory_size=memory_size,
        log_group=log_group,
        role=role,
        environment=environment,
        **settings,
    )


def _allow_network_interfaces(role: iam.Role) -> None:
    role.add_to_policy(
        iam.PolicyStatement(actions=list(_NETWORK_INTERFACE_ACTIONS), resources=["*"])
    )
    acknowledge_wildcard(
        role, "*", "Lambda makes network interfaces, whose ids are not known before"
    )
