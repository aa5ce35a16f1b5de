from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, ControlFunction, InvokeFunction, Workspace

from ..everything import ACCOUNT, FLAGS, imported_role, new_app
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


@pytest.mark.parametrize("policy", ["CodeInterpreterControl", "InvokeUsePolicy", "User"])
def test_the_unknown_key_of_an_imported_secret_may_be_used_through_secrets_manager_only(
    stack: Stack, policy: str
) -> None:
    """The setting `certificate-secret-arns` names secrets, and no keys."""
    arn = "arn:aws:secretsmanager:eu-west-1:210987654321:secret:ca-AbCdEf"
    secret = secretsmanager.Secret.from_secret_complete_arn(stack, "Certificate", arn)
    interpreter = CodeInterpreter(stack, "Interpreter", certificates=[secret])
    workspace = Workspace(stack, "Workspace")
    InvokeFunction(stack, "Invoke", code_interpreter=interpreter, workspace=workspace)
    interpreter.grant_use(iam.User(stack, "User"))
    [statement] = statements(stack, of=policy)["kms:Decrypt"]
    assert "kms:ViaService" in statement["Condition"]["StringEquals"]
    _, parts = statement["Resource"]["Fn::Join"]
    # A secret of another account always has a key of that account's own.
    assert parts[-1] == ":kms:eu-west-1:210987654321:key/" + "?" * 36


def test_a_secret_of_the_app_without_a_key_needs_no_permission_for_keys(stack: Stack) -> None:
    CodeInterpreter(
        stack, "Interpreter", certificates=[secretsmanager.Secret(stack, "Certificate")]
    )
    assert "kms:Decrypt" not in statements(stack)


def test_a_secret_whose_suffix_is_not_known_is_matched_with_it(stack: Stack) -> None:
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Certificate", "ca")
    CodeInterpreter(stack, "Interpreter", certificates=[secret])
    [statement] = statements(stack)[READ]
    assert statement["Resource"]["Fn::Join"][1][-1].endswith(":secret:ca-??????")


# IAM's quotas: characters of all inline policies of a role, and of a managed policy, without white
# space; managed policies of a role.
MAX_INLINE = 10_240
MAX_MANAGED = 6_144
MAX_ATTACHED = 10


@pytest.mark.parametrize(
    ("own_roles", "flags", "with_keys"),
    [
        (True, "none", True),
        pytest.param(False, "none", True, marks=pytest.mark.slow),
        pytest.param(True, "recommended", False, marks=pytest.mark.slow),
    ],
)
def test_200_certificates_fit_into_the_policies_of_a_role(
    own_roles: bool, flags: str, with_keys: bool
) -> None:
    stack = Stack(
        new_app(FLAGS[flags]()), "Test", env=Environment(account=ACCOUNT, region="us-east-1")
    )
    secrets = [new_secret(stack, number, with_keys) for number in range(200)]
    roles = {
        name: None if own_roles else imported_role(stack, name) for name in ("control", "invoke")
    }
    interpreter = CodeInterpreter(
        stack,
        "Interpreter",
        certificates=secrets,
        control_function=ControlFunction(stack, "Control", role=roles["control"]),
    )
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=interpreter,
        workspace=Workspace(stack, "Workspace"),
        role=roles["invoke"],
    )
    user = iam.Role(stack, "User", assumed_by=iam.AccountRootPrincipal())
    interpreter.grant_use(user)
    policies = policies_by_role(stack)
    assert len(policies) == 3
    arns = {secret.secret_arn for secret in secrets}
    for inline, managed in policies.values():
        assert sum(map(size, inline)) <= MAX_INLINE
        assert all(size(policy) <= MAX_MANAGED for policy in managed)
        assert len(managed) <= MAX_ATTACHED
        readable = {
            resource
            for policy in (*inline, *managed)
            for statement in policy["Statement"]
            if statement["Action"] == READ
            for resource in as_list(statement["Resource"])
        }
        assert readable == arns


def test_a_function_is_ready_when_it_may_read_all_certificates() -> None:
    stack = Stack(new_app(), "Test")
    secrets = [new_secret(stack, number, with_key=False) for number in range(11)]
    interpreter = CodeInterpreter(stack, "Interpreter", certificates=secrets)
    InvokeFunction(
        stack, "Invoke", code_interpreter=interpreter, workspace=Workspace(stack, "Workspace")
    )
    template = Template.from_stack(stack)
    policies = template.find_resources("AWS::IAM::ManagedPolicy")
    needed = {
        name
        for function in template.find_resources("AWS::Lambda::Function").values()
        for name in function["DependsOn"]
    }
    assert len(policies) == 2
    assert policies.keys() <= needed


def new_secret(stack: Stack, number: int, with_key: bool) -> secretsmanager.ISecret:
    arn = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:team/certificates/{number:010}-AbCdEf"
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/01234567-89ab-cdef-0123-{number:012}"
    return secretsmanager.Secret.from_secret_attributes(
        stack,
        f"Secret{number}",
        secret_complete_arn=arn,
        encryption_key=kms.Key.from_key_arn(stack, f"Key{number}", key) if with_key else None,
    )


def policies_by_role(stack: Stack) -> dict[str, tuple[list[Any], list[Any]]]:
    """Return the inline and the managed policies with certificates, by role."""
    template = Template.from_stack(stack)
    found: dict[str, tuple[list[Any], list[Any]]] = {}
    for kind in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"):
        for policy in template.find_resources(kind).values():
            properties = policy["Properties"]
            for role in properties.get("Roles") or [properties.get("RoleName")]:
                lists = found.setdefault(json.dumps(role), ([], []))
                lists[kind == "AWS::IAM::ManagedPolicy"].append(properties["PolicyDocument"])
    return {role: lists for role, lists in found.items() if READ in json.dumps(lists)}


def size(policy: Any) -> int:
    """Return the number of characters of a policy, in which all but a few names are known."""
    return len(json.dumps(policy, separators=(",", ":")))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_fails_on_too_many(stack: Stack, secret: secretsmanager.ISecret) -> None:
    with pytest.raises(ValueError, match=r"201 certificates are given.*at most 200"):
        CodeInterpreter(stack, "Interpreter", certificates=[secret] * 201)
