from __future__ import annotations

import pytest
from aws_cdk import Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

from .templates import arn_of, statements

ID = "theirs-0123456789"
ARN = f"arn:aws:bedrock-agentcore:eu-west-1:123456789012:code-interpreter-custom/{ID}"


def test_by_arn(stack: Stack) -> None:
    interpreter = CodeInterpreter.from_arn(stack, "Theirs", ARN)
    assert (interpreter.code_interpreter_arn, interpreter.code_interpreter_id) == (ARN, ID)
    assert interpreter.env.region == "eu-west-1"
    assert interpreter.status is None
    assert interpreter.created_at is None


def test_by_id(stack: Stack) -> None:
    interpreter = CodeInterpreter.from_id(stack, "Theirs", ID)
    assert interpreter.code_interpreter_id == ID
    assert stack.resolve(interpreter.code_interpreter_arn) == arn_of(
        f"code-interpreter-custom/{ID}"
    )


@pytest.mark.parametrize(
    "import_it",
    [
        lambda stack: CodeInterpreter.aws_managed(stack, "Theirs"),
        lambda stack: CodeInterpreter.from_id(stack, "Theirs", "aws.codeinterpreter.v1"),
    ],
)
def test_the_aws_managed_one(stack: Stack, import_it: object) -> None:
    interpreter: agentcore.ICodeInterpreterCustom = import_it(stack)  # type: ignore[operator]
    assert interpreter.code_interpreter_id == "aws.codeinterpreter.v1"
    assert stack.resolve(interpreter.code_interpreter_arn) == arn_of(
        "code-interpreter/aws.codeinterpreter.v1", account="aws"
    )


def test_by_attributes(stack: Stack) -> None:
    role = iam.Role(
        stack, "Role", assumed_by=iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")
    )
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    interpreter = CodeInterpreter.from_attributes(
        stack,
        "Theirs",
        code_interpreter_arn=ARN,
        execution_role=role,
        security_groups=[group],
    )
    s3.Bucket(stack, "Bucket").grant_read(interpreter)
    assert "s3:GetObject*" in statements(stack, of="RoleDefaultPolicy")
    assert [group.security_group_id for group in interpreter.connections.security_groups] == [
        "sg-0123456789abcdef0"
    ]


def test_fails_to_grant_without_a_known_role(stack: Stack) -> None:
    interpreter = CodeInterpreter.from_arn(stack, "Theirs", ARN)
    with pytest.raises(RuntimeError, match="has no execution role"):
        s3.Bucket(stack, "Bucket").grant_read(interpreter)


def test_an_arn_may_come_from_a_parameter(stack: Stack) -> None:
    from aws_cdk import CfnParameter

    parameter = CfnParameter(stack, "Arn")
    interpreter = CodeInterpreter.from_arn(stack, "Theirs", parameter.value_as_string)
    assert "Fn::Split" in str(stack.resolve(interpreter.code_interpreter_id))


@pytest.mark.parametrize(
    "arn", ["", ID, "arn:aws:s3:::bucket", "arn:aws:bedrock-agentcore:r:a:runtime/x"]
)
def test_fails_on_what_is_no_arn_of_a_code_interpreter(stack: Stack, arn: str) -> None:
    message = f"code_interpreter_arn is '{arn}'.*code-interpreter-custom/<id>.*change"
    with pytest.raises(ValueError, match=message):
        CodeInterpreter.from_arn(stack, "Theirs", arn)


def test_the_invoke_function_works_with_it(stack: Stack) -> None:
    interpreter = CodeInterpreter.from_arn(stack, "Theirs", ARN)
    InvokeFunction(
        stack, "Invoke", code_interpreter=interpreter, workspace=Workspace(stack, "Workspace")
    )
    for action in ("Start", "Stop"):
        [statement] = statements(stack)[f"bedrock-agentcore:{action}CodeInterpreterSession"]
        assert statement["Resource"] == ARN
