from __future__ import annotations

import pytest

from agentcore_emulator.service.owner import Owner


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_arns_of_custom_and_system_interpreters(region: str, partition: str) -> None:
    owner = Owner("111122223333", region)
    prefix = f"arn:{partition}:bedrock-agentcore:{region}"
    assert owner.interpreter_arn("a-0123456789") == (
        f"{prefix}:111122223333:code-interpreter-custom/a-0123456789"
    )
    assert owner.interpreter_arn("aws.codeinterpreter.v1") == (
        f"{prefix}:aws:code-interpreter/aws.codeinterpreter.v1"
    )
