from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, ExecutionRole

from .templates import arn_of, only, statements


def test_only_this_code_interpreter_may_assume_it(stack: Stack) -> None:
    CodeInterpreter(stack, "One", name="mine", execution_role=ExecutionRole(stack, "Role"))
    assert trust(stack) == {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {
                "aws:SourceArn": [
                    arn_of("code-interpreter-custom/mine-??????????"),
                    # The service may validate the role before there is an id.
                    arn_of("code-interpreter-custom/mine"),
                ]
            },
        },
    }


def test_a_generated_name_is_known_up_to_its_suffix(stack: Stack) -> None:
    CodeInterpreter(stack, "One", execution_role=ExecutionRole(stack, "Role"))
    prefix = only(stack, "Custom::CodeInterpreter")["NamePrefix"]
    assert trust(stack)["Condition"]["ArnLike"]["aws:SourceArn"] == [
        arn_of(f"code-interpreter-custom/{prefix}_??????????-??????????"),
        arn_of(f"code-interpreter-custom/{prefix}_??????????"),
    ]


def test_several_code_interpreters_can_share_it(stack: Stack) -> None:
    role = ExecutionRole(stack, "Role")
    CodeInterpreter(stack, "One", name="one", execution_role=role)
    CodeInterpreter(stack, "Two", name="two", execution_role=role)
    assert len(trust(stack)["Condition"]["ArnLike"]["aws:SourceArn"]) == 4


def test_it_may_do_nothing_until_it_is_granted(stack: Stack) -> None:
    role = ExecutionRole(stack, "Role")
    interpreter = CodeInterpreter(stack, "One", execution_role=role)
    assert interpreter.execution_role is role
    s3.Bucket(stack, "Bucket").grant_read(interpreter)
    assert "s3:GetObject*" in statements(stack, of="RoleDefaultPolicy")


def test_managed_policies_a_boundary_and_a_name_can_be_given(stack: Stack) -> None:
    policy = iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess")
    role = ExecutionRole(
        stack, "Role", managed_policies=[policy], permissions_boundary=policy, role_name="mine"
    )
    CodeInterpreter(stack, "One", execution_role=role)
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::Role",
        {
            "RoleName": "mine",
            "ManagedPolicyArns": [stack.resolve(policy.managed_policy_arn)],
            "PermissionsBoundary": stack.resolve(policy.managed_policy_arn),
        },
    )


def test_fails_when_nothing_uses_it(app: App, stack: Stack) -> None:
    ExecutionRole(stack, "Role")
    with pytest.raises(RuntimeError, match="no code interpreter uses this execution role"):
        app.synth()


def trust(stack: Stack) -> dict[str, Any]:
    roles = Template.from_stack(stack).find_resources(
        "AWS::IAM::Role",
        {"Properties": {"Description": "What code in the sandboxes of a code interpreter may do"}},
    )
    [role] = roles.values()
    [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)
