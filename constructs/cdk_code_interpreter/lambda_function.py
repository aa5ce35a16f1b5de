"""The Lambda functions that this library ships: where their code is and how they run."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

RUNTIME = lambda_.Runtime.PYTHON_3_14
ARCHITECTURE = lambda_.Architecture.ARM_64

_PACKAGE = Path(__file__).resolve().parent
# An installed wheel carries the code inside the package; a checkout keeps it next to `constructs/`.
_ASSET_ROOTS = (_PACKAGE / "lambda_assets", _PACKAGE.parent.parent / "lambda")


def lambda_code(name: str) -> lambda_.AssetCode:
    """The asset holding the function `name`.

    Its hash depends on the source alone: byte code that Python leaves behind is not part of it.
    """
    for root in _ASSET_ROOTS:
        if (root / name).is_dir():
            return lambda_.Code.from_asset(
                str(root / name), exclude=["**/__pycache__", "**/*.pyc", "**/.DS_Store"]
            )
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
) -> lambda_.Function:
    """A function that may write to `log_group` and nothing else, until it is granted more.

    It cannot create log groups: Lambda writes logs late, and would bring back a group that the
    stack has just deleted.
    """
    role = role or iam.Role(
        scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
    )
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
    )
