"""The function of a deployed stack."""

from __future__ import annotations

import os
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .aws_errors import unavailable
from .errors import FunctionUnavailable

FUNCTION_OUTPUT: Final = "InvokeFunctionName"
CONFIG: Final = Config(connect_timeout=10, read_timeout=30)


def boto3_session(profile: str | None = None, region: str | None = None) -> Any:
    """Return a boto3 session. A region that is not given is that of AWS_REGION, if it is set.

    Other SDKs read this variable; boto3 reads AWS_DEFAULT_REGION alone.

    :raises FunctionUnavailable: if there is no such profile
    """
    try:
        return boto3.Session(
            profile_name=profile, region_name=region or os.environ.get("AWS_REGION")
        )
    except BotoCoreError as error:
        raise unavailable(error, "AWS") or error from error


def function_of_stack(stack: str, session: Any) -> str:
    """Return the name of the function in a stack, from the stack's outputs.

    It needs the permission `cloudformation:DescribeStacks`.

    :param session: A boto3 session.
    :raises FunctionUnavailable: if there is no such stack, or no function in it
    """
    try:
        client = session.client("cloudformation", config=CONFIG)
        found = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ValidationError":
            region = session.region_name
            raise FunctionUnavailable(
                f"there is no stack {stack} in {region}; deploy it, or name another stack, region "
                "or profile",
                "no_stack",
            ) from error
        raise unavailable(error, f"the stack {stack}") or FunctionUnavailable(
            f"the stack {stack} cannot be read: {error}", "no_stack"
        ) from error
    except BotoCoreError as error:
        raise unavailable(error, f"the stack {stack}") or FunctionUnavailable(
            f"the stack {stack} cannot be read: {error}", "unreachable"
        ) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found[0].get("Outputs", ())}
    if FUNCTION_OUTPUT not in outputs:
        raise FunctionUnavailable(
            f"the stack {stack} has no output {FUNCTION_OUTPUT}, only "
            f"{', '.join(sorted(outputs)) or 'none'}; add it, or name the function in the place of "
            "the stack",
            "no_stack",
        )
    return str(outputs[FUNCTION_OUTPUT])
