"""The library works in every kind of stage, stack, region and partition."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aws_cdk import (
    CliCredentialsStackSynthesizer,
    DefaultStackSynthesizer,
    Environment,
    IStackSynthesizer,
    LegacyStackSynthesizer,
    NestedStack,
    Stack,
    Stage,
    pipelines,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template
from constructs import Construct

from cdk_code_interpreter import (
    CodeInterpreter,
    ControlFunction,
    ExecutionRole,
    Filesystem,
    InvokeFunction,
    Monitoring,
    Network,
    Workspace,
)

from .everything import (
    ACCOUNT,
    FLAGS,
    MODES,
    all_options,
    defaults,
    golden_template,
    imported_role,
    manifest,
    new_app,
    recommended_flags,
    resources,
    resources_of_all_options,
)
from .templates import only

HERE = Environment(account=ACCOUNT, region="us-east-1")
THERE = Environment(account=ACCOUNT, region="eu-west-1")
INTERPRETER = "Custom::CodeInterpreter"
POLICY = "CodeInterpreterControlFunctionRoleDefaultPolicy"
# The mode with all options has nearly all that the others have; they repeat it with fewer settings.
LARGEST_FIRST = [
    pytest.param(mode, marks=() if mode == "all options" else pytest.mark.slow) for mode in MODES
]
# `test_feature_flags_change_nothing` holds that the other flags define the same.
ALL_FLAGS_FIRST = [
    pytest.param(flags, marks=() if flags == "all" else pytest.mark.slow) for flags in FLAGS
]


# reproducible templates; the golden templates are those of other processes


@pytest.mark.parametrize("environment", [None, HERE])
def test_the_same_app_synthesised_twice_is_the_same_and_nothing_is_looked_up(
    environment: Environment | None,
) -> None:
    app = new_app(recommended_flags())
    all_options(Stack(app, "Test", env=environment))
    first, second = (app.synth(force=True) for _ in range(2))
    assert first.get_stack_by_name("Test").template == second.get_stack_by_name("Test").template
    assert manifest(first).get("missing", []) == []


# feature flags


def permissions(found: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the permissions of each role, from all statements and policies."""
    granted: dict[str, set[str]] = {}
    for policy in found.values():
        properties = policy["Properties"]
        for role in properties.get("Roles", [properties.get("RoleName")]):
            for statement in properties.get("PolicyDocument", {}).get("Statement", []):
                for action in listed(statement["Action"]):
                    for resource in listed(statement.get("Resource")):
                        permission = [
                            statement["Effect"],
                            action,
                            resource,
                            statement.get("Condition"),
                        ]
                        granted.setdefault(json.dumps(role), set()).add(json.dumps(permission))
    return granted


def others(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources other than policies, without their order of creation."""
    return {
        name: {**resource, "DependsOn": None}
        for name, resource in found.items()
        if resource["Type"] not in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy")
        and resource["Type"] != "AWS::S3::BucketPolicy"
    }


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("mode", LARGEST_FIRST)
def test_feature_flags_change_nothing(mode: str) -> None:
    """Flags can split or merge policies, but the permissions and all other resources stay."""
    found = {
        flags: resources_of_all_options(flags)
        if mode == "all options"
        else resources(MODES[mode](Stack(new_app(FLAGS[flags]()), "Test")))
        for flags in FLAGS
    }
    for flags in ("recommended", "all"):
        assert permissions(found[flags]) == permissions(found["none"])
        assert others(found[flags]) == others(found["none"])


@pytest.mark.parametrize("flags", FLAGS)
def test_a_function_is_never_there_before_its_permissions(flags: str) -> None:
    """CloudFormation creates the permissions first, and deletes them last.

    It would otherwise invoke a function without permissions, which fails to create or to delete.
    """
    found = resources_of_all_options(flags)
    policies = {
        name
        for name, resource in found.items()
        if "Policy" in resource["Type"]
        and "bedrock-agentcore:" in str(resource["Properties"]["PolicyDocument"])
    }
    functions = [
        resource for resource in found.values() if resource["Type"] == "AWS::Lambda::Function"
    ]
    assert policies <= {name for function in functions for name in function["DependsOn"]}


# synthesizers, stages and pipelines


@pytest.mark.parametrize(
    "synthesizer",
    [
        DefaultStackSynthesizer(qualifier="theirs"),
        CliCredentialsStackSynthesizer(),
        LegacyStackSynthesizer(),
    ],
    ids=lambda synthesizer: type(synthesizer).__name__,
)
def test_every_synthesizer_takes_the_assets(synthesizer: IStackSynthesizer) -> None:
    app = new_app()
    stack = Stack(app, "Test", synthesizer=synthesizer)
    found = resources(defaults(stack))
    functions = [
        resource for resource in found.values() if resource["Type"] == "AWS::Lambda::Function"
    ]
    assert all("S3Key" in resource["Properties"]["Code"] for resource in functions)


@pytest.mark.parametrize("mode", ["defaults", pytest.param("all options", marks=pytest.mark.slow)])
def test_stages_of_a_pipeline(mode: str) -> None:
    app = new_app(recommended_flags())
    pipeline = pipelines.CodePipeline(
        Stack(app, "Pipeline", env=HERE),
        "Pipeline",
        synth=pipelines.ShellStep(
            "Synth",
            input=pipelines.CodePipelineSource.connection(
                "owner/name", "main", connection_arn="arn:aws:codeconnections:us-east-1:1:c/x"
            ),
            commands=["make synth"],
        ),
    )
    made = []
    for name, environment in (("Beta", HERE), ("Production", THERE)):
        stage = Stage(app, name, env=environment)
        made.append(resources(MODES[mode](Stack(stage, "Tools"))))
        pipeline.add_stage(stage)
    app.synth()
    types = [sorted(resource["Type"] for resource in stage.values()) for stage in made]
    assert types[0] == types[1]
    prefixes = {
        resource["Properties"]["NamePrefix"]
        for stage in made
        for resource in stage.values()
        if resource["Type"] == INTERPRETER
    }
    assert len(prefixes) == 2


# nested stacks


@pytest.mark.parametrize("flags", ALL_FLAGS_FIRST)
def test_nested_stacks_have_a_control_function_of_their_own(flags: str) -> None:
    """The function finds code interpreters by the stack's id, and a nested stack has its own."""
    app = new_app(FLAGS[flags]())
    outer = Stack(app, "Outer")
    inner = NestedStack(outer, "Inner")
    code_interpreters = {scope: CodeInterpreter(scope, "Sandbox") for scope in (outer, inner)}
    for scope, other in ((outer, inner), (inner, outer)):
        InvokeFunction(
            scope,
            "Invoke",
            code_interpreter=code_interpreters[other],
            workspace=Workspace(scope, "Workspace"),
        )
    app.synth()
    for scope, code_interpreter in code_interpreters.items():
        assert ControlFunction.of(scope) is code_interpreter.control_function
        assert Stack.of(code_interpreter.control_function) is scope
        found = resources_of(scope)
        [control] = [name for name in found if name.startswith("CodeInterpreterControlFunction7")]
        [interpreter] = [resource for resource in found.values() if resource["Type"] == INTERPRETER]
        [policy] = [resource for name, resource in found.items() if name.startswith(POLICY)]
        assert str(policy).count("{'Ref': 'AWS::StackId'}") == 4
        assert interpreter["Properties"]["ServiceToken"] == {"Fn::GetAtt": [control, "Arn"]}
    names = {only(scope, INTERPRETER)["NamePrefix"] for scope in code_interpreters}
    assert len(names) == 2


@pytest.mark.parametrize("mode", LARGEST_FIRST)
def test_everything_fits_into_a_nested_stack(mode: str) -> None:
    app = new_app()
    ours = MODES[mode](NestedStack(Stack(app, "Outer"), "Inner"))
    app.synth()
    assert resources(ours)


def resources_of(stack: Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json()["Resources"])


# several stacks


@pytest.mark.parametrize("flags", ALL_FLAGS_FIRST)
def test_every_existing_resource_can_be_in_another_stack(flags: str) -> None:
    """That stack never depends on the library's stack, which would be a cycle."""
    app = new_app(FLAGS[flags]())
    theirs, ours = Stack(app, "Theirs"), Stack(app, "Ours")
    vpc = ec2.Vpc(theirs, "Vpc", max_azs=2)
    key = kms.Key(theirs, "Key")
    role = iam.Role(theirs, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    access_point = efs.FileSystem(theirs, "Efs", vpc=vpc).add_access_point("AccessPoint")
    certificate = secretsmanager.Secret(theirs, "Certificate", encryption_key=key)
    interpreter = CodeInterpreter(
        ours,
        "Sandbox",
        network=Network.vpc(vpc),
        execution_role=ExecutionRole(theirs, "ExecutionRole"),
        certificates=[certificate],
        filesystems=[
            Filesystem.efs(access_point, mount_path="/mnt/theirs"),
            Filesystem.s3_files(
                file_system_arn=ours.format_arn(service="s3files", resource="file-system/fs-1"),
                access_point_arn=ours.format_arn(service="s3files", resource="access-point/ap-1"),
                mount_path="/mnt/ours",
            ),
        ],
        control_function=ControlFunction(
            ours, "Control", role=role, log_group=logs.LogGroup(theirs, "ControlLogs"), vpc=vpc
        ),
    )
    for name, bucket in (
        ("Theirs", s3.Bucket(theirs, "Bucket", encryption_key=key)),
        ("Ours", s3.Bucket(ours, "Bucket")),
    ):
        InvokeFunction(
            ours,
            f"{name}Invoke",
            code_interpreter=interpreter,
            workspace=Workspace(ours, f"{name}Workspace", bucket=bucket),
            role=role,
            vpc=vpc,
            environment_encryption=key,
        )
    assembly = app.synth()
    assert [dependency.node.path for dependency in theirs.dependencies] == []
    assert assembly.get_stack_by_name("Ours").template["Resources"]


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        (None, "all"),
        (HERE, "recommended"),
        pytest.param(None, "none", marks=pytest.mark.slow),
        pytest.param(None, "recommended", marks=pytest.mark.slow),
        pytest.param(HERE, "none", marks=pytest.mark.slow),
        pytest.param(HERE, "all", marks=pytest.mark.slow),
    ],
)
def test_a_function_can_be_in_another_stack_than_what_it_uses(
    flags: str, environment: Environment | None
) -> None:
    app = new_app(FLAGS[flags]())
    first, second = (Stack(app, name, env=environment) for name in ("First", "Second"))
    interpreter = CodeInterpreter(first, "Sandbox", execution_role=ExecutionRole(first, "Role"))
    workspace = Workspace(first, "Workspace")
    invoke = InvokeFunction(second, "Invoke", code_interpreter=interpreter, workspace=workspace)
    Monitoring(second, "Monitoring", code_interpreter=interpreter, function=invoke.function)
    app.synth()
    assert [stack.node.path for stack in second.dependencies] == ["First"]


def test_a_code_interpreter_and_its_callers_can_be_in_different_regions() -> None:
    app = new_app()
    here = Stack(app, "Here", env=HERE, cross_region_references=True)
    there = Stack(app, "There", env=THERE, cross_region_references=True)
    interpreter = CodeInterpreter(here, "Sandbox")
    invoke = InvokeFunction(
        here, "Invoke", code_interpreter=interpreter, workspace=Workspace(here, "Workspace")
    )
    caller = iam.Role(there, "Caller", assumed_by=iam.AccountRootPrincipal())
    interpreter.grant_use(caller)
    invoke.grant_invoke(caller)
    app.synth()
    statements = only(there, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert "bedrock-agentcore:InvokeCodeInterpreter" in statements[0]["Action"]
    assert all("ExportsReader" in str(statement["Resource"]) for statement in statements)


@pytest.mark.parametrize(
    "use",
    [
        lambda stack: CodeInterpreter(Stack(stack.node.root, "Here", env=HERE), "Sandbox"),
        lambda stack: CodeInterpreter.from_arn(
            stack,
            "Sandbox",
            f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:code-interpreter-custom/x-0123456789",
        ),
    ],
)
def test_fails_on_a_function_in_another_region_than_its_code_interpreter(
    use: Callable[[Stack], Any],
) -> None:
    there = Stack(new_app(), "There", env=THERE)
    workspace = Workspace(there, "Workspace")
    interpreter = use(there)
    message = "'us-east-1'.*stack 'There'.*'eu-west-1'.*define the function in .*'us-east-1'"
    with pytest.raises(ValueError, match=message):
        InvokeFunction(there, "Invoke", code_interpreter=interpreter, workspace=workspace)
    assert there.node.try_find_child("Invoke") is None


def test_stacks_with_the_same_ids_have_policies_with_different_names() -> None:
    """They share a role, which is the same in every stack and region."""
    app = new_app()
    names = set()
    for stage, environment in (("Beta", HERE), ("Gamma", HERE), ("Beta2", THERE)):
        stack = Stack(Stage(app, stage), "Tools", env=environment)
        for invoke in ("One", "Two"):
            scope = Construct(stack, invoke)
            role = imported_role(scope, "shared")
            interpreter = CodeInterpreter(scope, "Sandbox", control_function=control(scope, role))
            InvokeFunction(
                scope,
                "Invoke",
                code_interpreter=interpreter,
                workspace=Workspace(scope, "Workspace"),
                role=role,
            )
        template = Template.from_stack(stack)
        for kind in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
            for policy in template.find_resources(kind).values():
                names.add(json.dumps(policy["Properties"]["PolicyName"]))
    assert len(names) == 3 * 2 * 3


def control(scope: Construct, role: iam.IRole) -> ControlFunction:
    return ControlFunction(scope, "Control", role=role)


def test_the_same_stack_in_two_regions_gives_a_shared_role_two_policies() -> None:
    """The region of such an app comes from the environment."""
    names = set()
    for environment in (HERE, THERE):
        stack = Stack(new_app(), "Tools", env=environment)
        ControlFunction(stack, "Control", role=imported_role(stack, "shared"))
        names.add(only(stack, "AWS::IAM::Policy")["PolicyName"])
    assert len(names) == 2


# partitions


PARTITIONS = {"us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn", "eusc-de-east-1": "aws-eusc"}
# The others repeat these with fewer settings.
PARTITIONS_OF_MODES = {("all options", "aws-cn"), ("all options", "aws-eusc"), ("public", "aws-cn")}


@pytest.mark.parametrize(
    ("mode", "region", "partition"),
    [
        # In any of the partitions an ARN of the usual one shows.
        pytest.param(
            mode,
            region,
            partition,
            marks=() if (mode, partition) in PARTITIONS_OF_MODES else pytest.mark.slow,
        )
        for mode in ("defaults", "public", "vpc", "all options")
        for region, partition in PARTITIONS.items()
    ],
)
def test_every_arn_is_in_the_partition_of_the_stack(mode: str, region: str, partition: str) -> None:
    app = new_app(recommended_flags())
    stack = Stack(app, "Test", env=Environment(account=ACCOUNT, region=region))
    text = json.dumps(resources(MODES[mode](stack)))
    text = text.replace(f"arn:aws:iam::{ACCOUNT}:role/gateway", "")  # the test's own
    assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition}
    # The names of principals are the same in every partition; those of hosts are not.
    assert set(re.findall(r"[a-z0-9.-]+\.amazonaws\.[a-z.]+", text)) <= {
        "bedrock-agentcore.amazonaws.com",
        "lambda.amazonaws.com",
        "network.bedrock-agentcore.amazonaws.com",
    }


@pytest.mark.parametrize("mode", ["defaults", "public", "vpc"])
def test_no_arn_has_a_region_where_none_is_known(mode: str) -> None:
    text = json.dumps(golden_template(mode)["Resources"])
    assert not re.findall(r"arn:aws[a-z-]*:|[a-z]{2}-[a-z]+-\d", text)
