from __future__ import annotations

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

from ..templates import only, statements

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ca-AbCdEf"
READ = "secretsmanager:GetSecretValue"


@pytest.fixture
def secret(stack: Stack) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_complete_arn(stack, "Certificate", ARN)


def test_certificates_reach_the_custom_resource(
    stack: Stack, secret: secretsmanager.ISecret
) -> None:
    CodeInterpreter(stack, "Interpreter", certificates=[secret])
    assert only(stack, "Custom::CodeInterpreter")["Certificates"] == [
        {"Location": {"SecretsManager": {"SecretArn": ARN}}}
    ]


def test_the_creator_and_the_callers_may_read_them(
    stack: Stack, secret: secretsmanager.ISecret
) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter", certificates=[secret])
    workspace = Workspace(stack, "Workspace")
    InvokeFunction(stack, "Invoke", code_interpreter=interpreter, workspace=workspace)
    interpreter.grant_use(iam.User(stack, "User"))
    for policy in ("CodeInterpreterControl", "InvokeUsePolicy", "User"):
        [statement] = statements(stack, of=policy)[READ]
        assert statement["Resource"] == ARN
    assert "secretsmanager:DescribeSecret" not in statements(stack)


def test_the_key_of_an_encrypted_secret_may_be_used_through_secrets_manager_only(
    stack: Stack,
) -> None:
    key = kms.Key(stack, "Key")
    secret = secretsmanager.Secret(stack, "Certificate", encryption_key=key)
    CodeInterpreter(stack, "Interpreter", certificates=[secret])
    [statement] = statements(stack, of="CodeInterpreterControl")["kms:Decrypt"]
    assert statement["Resource"] == stack.resolve(key.key_arn)
    through = statement["Condition"]["StringEquals"]["kms:ViaService"]
    assert through["Fn::Join"][1] == [
        "secretsmanager.",
        {"Ref": "AWS::Region"},
        ".",
        {"Ref": "AWS::URLSuffix"},
    ]


def test_a_secret_whose_suffix_is_not_known_is_matched_with_it(stack: Stack) -> None:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Certificate", "ca")
    CodeInterpreter(stack, "Interpreter", certificates=[secret])
    [statement] = statements(stack)[READ]
    assert statement["Resource"]["Fn::Join"][1][-1].endswith(":secret:ca-??????")


def test_fails_on_too_many(stack: Stack, secret: secretsmanager.ISecret) -> None:
    with pytest.raises(ValueError, match=r"201 certificates are given.*at most 200"):
        CodeInterpreter(stack, "Interpreter", certificates=[secret] * 201)
