"""The rules of `CodeInterpreterChecks`, over native constructs, CDK's and our own."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import (
    Acknowledgment,
    App,
    CfnResource,
    Duration,
    Environment,
    NestedStack,
    Stack,
    Stage,
    Validations,
)
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

import app as project
from cdk_code_interpreter import (
    CodeInterpreter,
    ExecutionRole,
    InvokeFunction,
    Network,
    Workspace,
)
from cdk_code_interpreter.checks import CodeInterpreterChecks

from .everything import (
    ACCOUNT,
    imported_role,
    imported_vpc,
    new_app,
    recommended_flags,
    scope_of,
)

SANDBOX = agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network()
PREFIX = "CodeInterpreter-"


def report(app: App) -> dict[str, dict[str, Any]]:
    """Return the findings by their rule, without the pack's name."""
    Validations.of(app).add_plugins(CodeInterpreterChecks(app, verbose=True))
    with contextlib.suppress(RuntimeError):  # raised when something is found
        app.synth()
    path = Path(app.outdir) / "validation-report.json"
    if not path.exists():
        return {}
    return {
        violation["ruleName"].removeprefix(PREFIX): violation
        for plugin in json.loads(path.read_text())["pluginReports"]
        if plugin["pluginName"] == "CodeInterpreterChecks"
        for violation in plugin["violations"]
    }


def service_role(stack: Stack, *statements: Mapping[str, Any], **options: Any) -> iam.Role:
    role = iam.Role(
        stack,
        "Role",
        assumed_by=iam.ServicePrincipal("bedrock-agentcore.amazonaws.com"),
        **options,
    )
    for statement in statements:
        role.add_to_policy(iam.PolicyStatement(**statement))
    return role


def native(stack: Stack, mode: str = "SANDBOX", role_arn: str | None = None) -> CfnResource:
    configuration = agentcore.CfnCodeInterpreterCustom.CodeInterpreterNetworkConfigurationProperty
    return agentcore.CfnCodeInterpreterCustom(
        stack,
        "Native",
        name="native",
        network_configuration=configuration(network_mode=mode),
        execution_role_arn=role_arn,
    )


def used(stack: Stack, code_interpreter: CodeInterpreter, **settings: Any) -> Workspace:
    """Define the function and the workspace of a code interpreter of ours."""
    workspace = Workspace(stack, "Workspace")
    InvokeFunction(
        stack, "Invoke", code_interpreter=code_interpreter, workspace=workspace, **settings
    )
    return workspace


READ_ALL = {"actions": ["s3:GetObject"], "resources": ["*"]}


def in_vpc(stack: Stack, role: iam.Role) -> None:
    CodeInterpreter(stack, "Ours", network=Network.vpc(imported_vpc(stack)), execution_role=role)


def with_workspace_granted(stack: Stack) -> None:
    role = ExecutionRole(stack, "Role")
    interpreter = CodeInterpreter(
        stack, "Ours", network=Network.vpc(imported_vpc(stack)), execution_role=role
    )
    used(stack, interpreter).grant_read_write(interpreter)


def with_bucket_of_workspace(stack: Stack) -> None:
    """Grant a bucket that another code interpreter has as its workspace, by its literal name."""
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "theirs")
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter.from_id(stack, "Other", "theirs-abcdefghij"),
        workspace=Workspace(stack, "Workspace", bucket=bucket),
    )
    role = service_role(
        stack, {"actions": ["S3:GETOBJECT"], "resources": ["arn:aws:s3:::theirs/a"]}
    )
    native(stack, "VPC", role.role_arn)


def with_inline_policy(stack: Stack) -> None:
    """Define what is not of CDK's making: a role with a policy, in the words of CloudFormation."""
    policy = {
        "PolicyName": "all",
        "PolicyDocument": {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}},
    }
    role = CfnResource(stack, "Role", type="AWS::IAM::Role", properties={"Policies": [policy]})
    native(stack, "VPC", role.get_att("Arn").to_string())


def of_another_stack(stack: Stack) -> None:
    other = Stack(scope_of(stack), "Roles")
    native(stack, "VPC", service_role(other, READ_ALL).role_arn)


def with_managed_policy(stack: Stack) -> None:
    role = service_role(stack)
    read_all = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    role.add_managed_policy(iam.ManagedPolicy(stack, "Policy", statements=[read_all]))
    native(stack, "VPC", role.role_arn)


CASES: dict[str, tuple[Callable[[Stack], object], dict[str, str]]] = {
    "native, public": (
        lambda stack: native(stack, "PUBLIC"),
        {"PublicNetwork": "error", "NoLogs": "warning"},
    ),
    "native, sandbox": (native, {"NoLogs": "warning"}),
    "native, sandbox with a role": (
        lambda stack: native(stack, role_arn=imported_role(stack, "theirs").role_arn),
        {"SandboxRole": "error", "NoLogs": "warning"},
    ),
    "L2, by default": (
        lambda stack: agentcore.CodeInterpreterCustom(stack, "L2"),
        {"PublicNetwork": "error", "NoLogs": "warning"},
    ),
    "L2, sandbox": (
        lambda stack: agentcore.CodeInterpreterCustom(stack, "L2", network_configuration=SANDBOX),
        {"SandboxRole": "error", "NoLogs": "warning"},
    ),
    "ours, public": (
        lambda stack: used(stack, CodeInterpreter(stack, "Ours", network=Network.public())),
        {"PublicNetwork": "error"},
    ),
    "ours, by default": (lambda stack: used(stack, CodeInterpreter(stack, "Ours")), {}),
    "ours, without a function": (
        lambda stack: CodeInterpreter(stack, "Ours"),
        {"NoLogs": "warning"},
    ),
    "ours, sandbox with a role": (
        lambda stack: used(
            stack,
            CodeInterpreter(stack, "Ours", execution_role=ExecutionRole(stack, "Role")),
        ),
        {"SandboxRole": "error"},
    ),
    "all actions": (
        lambda stack: native(
            stack, "VPC", service_role(stack, {"actions": ["s3:*"], "resources": ["b"]}).role_arn
        ),
        {"RoleWildcards[Action::s3:*]": "error", "NoLogs": "warning"},
    ),
    "all resources": (
        lambda stack: in_vpc(stack, service_role(stack, READ_ALL)),
        {"RoleWildcards[Resource::*]": "error", "NoLogs": "warning"},
    ),
    "all buckets": (
        lambda stack: in_vpc(
            stack,
            service_role(stack, {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::*"]}),
        ),
        {"RoleWildcards[Resource::arn:aws:s3:::*]": "error", "NoLogs": "warning"},
    ),
    "all secrets": (
        lambda stack: in_vpc(
            stack,
            service_role(
                stack,
                {
                    "actions": ["secretsmanager:GetSecretValue"],
                    "resources": [stack.format_arn(service="secretsmanager", resource="*")],
                },
            ),
        ),
        {
            "RoleWildcards[Resource::arn:<AWS::Partition>:secretsmanager:"
            "<AWS::Region>:<AWS::AccountId>:*]": "error",
            "NoLogs": "warning",
        },
    ),
    "a managed policy of the app": (
        with_managed_policy,
        {"RoleWildcards[Resource::*]": "error", "NoLogs": "warning"},
    ),
    "a prefix": (
        lambda stack: in_vpc(
            stack,
            service_role(
                stack, {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/prefix/*"]}
            ),
        ),
        {"NoLogs": "warning"},
    ),
    "denied": (
        lambda stack: in_vpc(
            stack,
            service_role(stack, {"effect": iam.Effect.DENY, "actions": ["*"], "resources": ["*"]}),
        ),
        {"NoLogs": "warning"},
    ),
    "an AWS-managed policy": (
        lambda stack: native(
            stack,
            "VPC",
            service_role(
                stack,
                managed_policies=[
                    iam.ManagedPolicy.from_aws_managed_policy_name("AmazonS3FullAccess")
                ],
            ).role_arn,
        ),
        {"RoleWildcards[Policy::AmazonS3FullAccess]": "error", "NoLogs": "warning"},
    ),
    "an inline policy of CloudFormation": (
        with_inline_policy,
        {
            "RoleWildcards[NotAction::*]": "error",
            "RoleWildcards[Resource::*]": "error",
            "NoLogs": "warning",
        },
    ),
    "a role of another stack": (
        of_another_stack,
        {"RoleWildcards[Resource::*]": "error", "NoLogs": "warning"},
    ),
    "the bucket of a workspace": (
        with_bucket_of_workspace,
        {"RoleWorkspace[Resource::arn:aws:s3:::theirs/a]": "error", "NoLogs": "warning"},
    ),
    "sessions of 8 hours": (
        lambda stack: used(
            stack, CodeInterpreter(stack, "Ours"), session_timeout=Duration.hours(8)
        ),
        {"LongSessions": "warning"},
    ),
    "sessions of 7 hours": (
        lambda stack: used(
            stack, CodeInterpreter(stack, "Ours"), session_timeout=Duration.hours(7)
        ),
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_finds_what_it_is_about_and_nothing_else(app: App, case: str) -> None:
    define, expected = CASES[case]
    define(Stack(app, "Test"))
    found = report(app)
    assert {rule: violation["severity"] for rule, violation in found.items()} == expected


def test_a_grant_of_the_workspace_is_found_with_each_resource(app: App) -> None:
    with_workspace_granted(Stack(app, "Test"))
    found = report(app)
    assert found
    assert all(rule.startswith("RoleWorkspace[Resource::<Workspace") for rule in found)


@pytest.mark.parametrize("flags", [{}, recommended_flags()], ids=["strong", "weak"])
def test_a_grant_of_the_workspace_of_another_stack_is_found(flags: dict[str, Any]) -> None:
    app = new_app(flags)
    data, stack = Stack(app, "Data"), Stack(app, "Test")
    workspace, role = Workspace(data, "Workspace"), service_role(stack)
    arn = workspace.bucket.arn_for_objects("*")
    role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[arn]))
    interpreter = CodeInterpreter(
        stack, "Ours", network=Network.vpc(imported_vpc(stack)), execution_role=role
    )
    InvokeFunction(stack, "Invoke", code_interpreter=interpreter, workspace=workspace)
    assert [rule.partition("[")[0] for rule in report(app)] == ["RoleWorkspace"]


@pytest.mark.parametrize("flags", [{}, recommended_flags()], ids=["strong", "weak"])
def test_a_role_is_found_by_both_kinds_of_references(flags: dict[str, Any]) -> None:
    app = new_app(flags)
    of_another_stack(Stack(app, "Test"))
    assert "RoleWildcards[Resource::*]" in report(app)


@pytest.mark.parametrize("flags", [{}, recommended_flags()], ids=["strong", "weak"])
@pytest.mark.parametrize("wide", ["Dev", pytest.param("Prod", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("stack_name", "is_nested"),
    # The nested stack is in a stack with this name, too.
    [(None, False), pytest.param("main", False, marks=pytest.mark.slow), ("main", True)],
)
def test_each_stage_has_the_role_of_its_own(
    flags: dict[str, Any], wide: str, stack_name: str | None, is_nested: bool
) -> None:
    app = new_app(flags)
    for name, account in (("Dev", "111111111111"), ("Prod", "222222222222")):
        stage = Stage(app, name, env=Environment(account=account, region="us-east-1"))
        roles = Stack(stage, "Roles", stack_name=stack_name and f"{stack_name}-roles")
        role = service_role(roles, *([READ_ALL] if name == wide else []))
        main = Stack(stage, "Main", stack_name=stack_name)
        native(NestedStack(main, "Nested") if is_nested else main, "VPC", role.role_arn)
    [place] = report(app)["RoleWildcards[Resource::*]"]["violatingConstructs"]
    assert place["constructPath"] == f"{wide}/Main/{'Nested/' if is_nested else ''}Native"


@pytest.mark.parametrize("flags", [{}, recommended_flags()], ids=["strong", "weak"])
@pytest.mark.parametrize("wide", ["One", "Two"])
def test_a_role_is_that_of_the_stack_which_is_named(flags: dict[str, Any], wide: str) -> None:
    app = new_app(flags)
    for name in ("One", "Two"):
        roles = Stack(app, f"{name}Roles")
        role = service_role(roles, *([READ_ALL] if name == wide else []))
        native(Stack(app, name), "VPC", role.role_arn)
    [place] = report(app)["RoleWildcards[Resource::*]"]["violatingConstructs"]
    assert place["constructPath"] == f"{wide}/Native"


@pytest.mark.parametrize("wide", ["us-east-1", "eu-west-1"])
def test_a_role_is_that_of_the_region_which_is_named(wide: str) -> None:
    app = new_app(recommended_flags())

    def stack(kind: str, name: str | None, *, of: str, region: str) -> Stack:
        environment = Environment(account=ACCOUNT, region=region)
        return Stack(
            app, f"{kind}-{of}", stack_name=name, env=environment, cross_region_references=True
        )

    for region in ("us-east-1", "eu-west-1"):
        roles = stack("Roles", "roles", of=region, region=region)
        role = service_role(roles, *([READ_ALL] if region == wide else []))
        native(stack("Main", None, of=region, region="us-east-1"), "VPC", role.role_arn)
    [place] = report(app)["RoleWildcards[Resource::*]"]["violatingConstructs"]
    assert place["constructPath"] == f"Main-{wide}/Native"


def test_a_parameter_without_a_name_does_not_hide_a_role(app: App) -> None:
    parent = Stack(app, "Parent")
    CfnResource(parent, "Other", type="AWS::SSM::Parameter", properties={"Value": "unrelated"})
    native(NestedStack(parent, "Nested"), "VPC", service_role(parent, READ_ALL).role_arn)
    assert "RoleWildcards[Resource::*]" in report(app)


def test_stages_and_nested_stacks_are_checked(app: App) -> None:
    for scope in (app, Stage(app, "Stage")):
        native(Stack(scope, "Top"), "PUBLIC")
        native(NestedStack(Stack(scope, "Parent"), "Nested"), "PUBLIC")
    found = report(app)
    assert found.keys() == {"PublicNetwork", "NoLogs"}
    places = found["PublicNetwork"]["violatingConstructs"]
    assert {place["constructPath"] for place in places} == {
        "Top/Native",
        "Parent/Nested/Native",
        "Stage/Top/Native",
        "Stage/Parent/Nested/Native",
    }


def test_references_into_and_out_of_nested_stacks_are_followed(app: App) -> None:
    parent = Stack(app, "Parent")
    nested = NestedStack(parent, "Nested")
    native(nested, "VPC", service_role(parent, READ_ALL).role_arn)
    interpreter = CodeInterpreter(nested, "Ours")
    InvokeFunction(
        parent,
        "Invoke",
        code_interpreter=interpreter,
        workspace=Workspace(parent, "Workspace"),
    )
    found = report(app)
    assert found.keys() == {"RoleWildcards[Resource::*]", "NoLogs"}
    for violation in found.values():
        [place] = violation["violatingConstructs"]
        assert place["constructPath"] == "Parent/Nested/Native"


def test_a_function_of_another_stack_is_a_log(app: App) -> None:
    interpreter = CodeInterpreter(Stack(app, "Interpreters"), "Ours")
    used(Stack(app, "Test"), interpreter)
    assert report(app) == {}


@pytest.mark.parametrize("network", ["sandbox", "sealed"])
def test_nothing_is_found_in_the_projects_own_app(network: str) -> None:
    app = new_app({**recommended_flags(), "code-interpreter:network": network})
    project.build(app)
    assert report(app) == {}


def test_a_delivery_of_logs_is_a_log(app: App) -> None:
    stack = Stack(app, "Test")
    interpreter = native(stack)
    CfnResource(
        stack,
        "Usage",
        type="AWS::Logs::DeliverySource",
        properties={
            "LogType": "USAGE_LOGS",
            "ResourceArn": interpreter.get_att("CodeInterpreterArn").to_string(),
        },
    )
    assert report(app) == {}


def test_a_finding_can_be_acknowledged_where_it_is(app: App) -> None:
    stack = Stack(app, "Test")
    interpreter = native(stack, "PUBLIC")
    for rule in ("PublicNetwork", "NoLogs"):
        Validations.of(interpreter).acknowledge(
            Acknowledgment(id=f"{PREFIX}{rule}", reason="for tests")
        )
    assert report(app) == {}


def test_each_finding_names_the_construct_the_reason_and_the_remedy(app: App) -> None:
    native(Stack(app, "Test"), "PUBLIC")
    finding = report(app)["PublicNetwork"]
    [place] = finding["violatingConstructs"]
    assert place["constructPath"] == "Test/Native"
    assert "has the network mode PUBLIC. Code in a sandbox" in finding["description"]
    assert "Use Network.sealed()" in finding["description"]


def test_a_missing_cdk_nag_is_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cdk_nag", None)
    monkeypatch.delitem(sys.modules, "cdk_code_interpreter.checks")
    with pytest.raises(ModuleNotFoundError, match=r"install cdk-code-interpreter\[checks\]"):
        importlib.import_module("cdk_code_interpreter.checks")
