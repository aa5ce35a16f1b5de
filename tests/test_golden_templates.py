"""The CloudFormation templates stay as they are, in every mode of the library and of the app.

Each golden file holds the templates of all stacks of an app, by the names of the stacks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, NestedStack, RemovalPolicy, Stack, Tags
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

import app as project
from cdk_code_interpreter import (
    CodeInterpreter,
    CommandTask,
    ExecutionRole,
    Filesystem,
    InvokeFunction,
    Monitoring,
    Network,
    Workspace,
)
from stacks.settings import Settings
from tests.integration.test_app import (
    DEPLOYMENTS,
    EVERYTHING,
    EXISTING_VPC,
    PUBLIC_WARNING,
    as_text,
    namespaced,
    warned_about,
)
from tests.unit.constructs.everything import (
    MODES,
    imported_role,
    imported_s3_files,
    imported_vpc,
    new_app,
    recommended_flags,
    scope_of,
)

from .golden_files import check_golden

FOLDER = "templates"
# The hash of an asset changes with every line of the code in it.
HASH = re.compile(r"\b[0-9a-f]{64}\b")
ROLE_ARN = "arn:aws:iam::123456789012:role/mine"
# A template has the hash of an asset. A copy of its files would take a seventh of the time.
NO_COPIES = {"aws:cdk:disable-asset-staging": True}


def templates(app: App) -> dict[str, Any]:
    """Return the templates of all stacks, without what changes with every asset and CDK release."""
    found: dict[str, Any] = {}
    for path in Path(app.synth().directory).glob("*.template.json"):
        template = json.loads(HASH.sub("<asset>", path.read_text(encoding="utf-8")))
        template["Resources"].pop("CDKMetadata", None)
        template.get("Conditions", {}).pop("CDKMetadataAvailable", None)
        found[path.name.removesuffix(".template.json")] = template
    return found


# The library.


def new_function(stack: Stack) -> InvokeFunction:
    return InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=CodeInterpreter(stack, "Interpreter"),
        workspace=Workspace(stack, "Workspace"),
    )


def several_code_interpreters(stack: Stack) -> None:
    """Define interpreters that share a control function, whose policy serves each of them."""
    Tags.of(stack).add("team", "data")
    vpc = imported_vpc(stack)
    CodeInterpreter(stack, "Sandbox", name="named", removal_policy=RemovalPolicy.RETAIN)
    CodeInterpreter(stack, "Public", network=Network.public())
    for number in range(2):
        CodeInterpreter(stack, f"Vpc{number}", network=Network.vpc(vpc), tags={"team": "other"})


def execution_role(stack: Stack) -> None:
    managed = iam.ManagedPolicy.from_aws_managed_policy_name
    role = ExecutionRole(
        stack,
        "ExecutionRole",
        managed_policies=[managed("AmazonS3ReadOnlyAccess")],
        permissions_boundary=managed("PowerUserAccess"),
        role_name="theirs",
    )
    for name in ("One", "Two"):
        CodeInterpreter(stack, name, execution_role=role)


def certificates(stack: Stack) -> None:
    """Define certificates that both functions and another caller may read."""
    key = kms.Key(stack, "Key")
    new = secretsmanager.Secret(stack, "New", encryption_key=key)
    complete = secretsmanager.Secret.from_secret_complete_arn(
        stack, "Complete", "arn:aws:secretsmanager:us-east-1:123456789012:secret:ca-AbCdEf"
    )
    code_interpreter = CodeInterpreter(stack, "Interpreter", certificates=[new, complete])
    code_interpreter.grant_use(imported_role(stack, "caller"))
    InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=code_interpreter,
        workspace=Workspace(stack, "Workspace"),
    )


def filesystems(stack: Stack) -> None:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    access_point = efs.FileSystem(stack, "Efs", vpc=vpc).add_access_point("AccessPoint")
    CodeInterpreter(
        stack,
        "Interpreter",
        network=Network.vpc(vpc),
        execution_role=ExecutionRole(stack, "ExecutionRole"),
        filesystems=[
            Filesystem.efs(access_point, mount_path="/mnt/efs"),
            imported_s3_files(stack),
        ],
    )


def imported(stack: Stack) -> None:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    attributes = CodeInterpreter.from_attributes(
        stack,
        "Attributes",
        code_interpreter_arn=(
            "arn:aws:bedrock-agentcore:us-east-1:123456789012:code-interpreter-custom/theirs-abc"
        ),
        execution_role=imported_role(stack, "sandbox"),
        security_groups=[group],
    )
    attributes.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    Workspace(stack, "ForSandboxes").grant_read_write(attributes)
    workspace = Workspace(stack, "Workspace")
    for name, code_interpreter in {
        "ByAttributes": attributes,
        "ById": CodeInterpreter.from_id(stack, "Id", "theirs-abcdefghij"),
        "AwsManaged": CodeInterpreter.aws_managed(stack, "Managed"),
    }.items():
        function = InvokeFunction(
            stack, name, code_interpreter=code_interpreter, workspace=workspace
        )
        Monitoring(
            stack,
            f"{name}Monitoring",
            code_interpreter=code_interpreter,
            function=function.function,
        )


def grants(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    code_interpreter = CodeInterpreter(stack, "Interpreter")
    workspace = Workspace(stack, "Workspace", encryption_key=key)
    function = InvokeFunction(
        stack, "Invoke", code_interpreter=code_interpreter, workspace=workspace
    )
    for name, grant in {
        "User": code_interpreter.grant_use,
        "Reader": code_interpreter.grant_read,
        "Caller": function.grant_invoke,
        "Files": workspace.grant_read_write,
    }.items():
        grant(iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()))


def gateway(stack: Stack) -> None:
    function = new_function(stack)
    gateway = agentcore.Gateway(stack, "Gateway")
    function.add_gateway_target(gateway)
    function.add_gateway_target(gateway, "Second", name="second")


def action_group(stack: Stack) -> None:
    agent = bedrock.CfnAgent(
        stack,
        "Agent",
        agent_name="analyst",
        foundation_model="amazon.nova-pro-v1:0",
        agent_resource_role_arn=ROLE_ARN,
        instruction="Analyse the data that the user uploads, and draw charts of it.",
    )
    new_function(stack).add_action_group(agent)


def command_task(stack: Stack) -> None:
    """Define tasks whose command is text, JSONata, and JSONPath."""
    function = new_function(stack)
    tasks = [
        CommandTask(stack, "Text", function=function, session="nightly", command="make"),
        CommandTask(
            stack,
            "Jsonata",
            function=function,
            session="{% $states.input.session %}",
            command="{% $states.input.command %}",
            poll_interval=Duration.seconds(3),
            timeout=Duration.minutes(5),
        ),
        CommandTask(
            stack,
            "JsonPath",
            function=function,
            session=sfn.JsonPath.string_at("$.session"),
            command=sfn.JsonPath.string_at("$.command"),
        ),
    ]
    for task in tasks:
        sfn.StateMachine(
            stack,
            f"{task.node.id}Machine",
            definition_body=sfn.DefinitionBody.from_chainable(task),
        )


def monitoring(stack: Stack) -> None:
    code_interpreter = CodeInterpreter(stack, "Interpreter")
    function = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=code_interpreter,
        workspace=Workspace(stack, "Workspace"),
        timeout=Duration.minutes(1),
    )
    Monitoring(
        stack,
        "Monitoring",
        code_interpreter=code_interpreter,
        function=function.function,
        alarm_actions=[cloudwatch_actions.SnsAction(sns.Topic(stack, "Topic"))],
    )


def several_stacks(stack: Stack) -> None:
    """Define a function in another stack than its resources, and a copy in a nested stack."""
    code_interpreter = CodeInterpreter(stack, "Interpreter")
    workspace = Workspace(stack, "Workspace")
    InvokeFunction(
        Stack(scope_of(stack), "Other"),
        "Invoke",
        code_interpreter=code_interpreter,
        workspace=workspace,
    )
    MODES["defaults"](NestedStack(stack, "Nested"))


LIBRARY: dict[str, Callable[[Stack], object]] = {
    **MODES,
    "several code interpreters": several_code_interpreters,
    "execution role": execution_role,
    "certificates": certificates,
    "filesystems": filesystems,
    "imported": imported,
    "grants": grants,
    "gateway": gateway,
    "action group": action_group,
    "command task": command_task,
    "monitoring": monitoring,
    "several stacks": several_stacks,
}


@pytest.mark.parametrize("mode", LIBRARY)
def test_golden_templates_of_the_library(mode: str) -> None:
    app = new_app(NO_COPIES)
    LIBRARY[mode](Stack(app, "Test"))
    check_golden(f"{FOLDER}/library/{mode.replace(' ', '-')}.json", templates(app))


# The app.

FILESYSTEMS = [
    *EVERYTHING["filesystems"],
    {
        "type": "s3-files",
        "file-system-arn": "arn:aws:s3files:us-east-1:123456789012:file-system/fs-2",
        "access-point-arn": (
            "arn:aws:s3files:us-east-1:123456789012:file-system/fs-2/access-point/fsap-2"
        ),
        "mount-path": "/mnt/bucket",
        "security-group-id": "sg-0123456789abcdef2",
    },
]
SETTINGS: dict[str, dict[str, Any]] = {
    **DEPLOYMENTS,
    "existing-role": {"execution-role-arn": ROLE_ARN},
    "managed-policies": {"managed-policy-arns": EVERYTHING["managed-policy-arns"]},
    "certificates": {"certificate-secret-arns": EVERYTHING["certificate-secret-arns"]},
    "filesystems": {**EXISTING_VPC, "filesystems": FILESYSTEMS},
    "filesystems-in-new-vpc": {"network": "vpc", "filesystems": FILESYSTEMS},
    "function": {
        "session-timeout-seconds": 60,
        "function-memory-mib": 512,
        "function-timeout-seconds": 30,
    },
    "destroyed-workspace": {"workspace-retention": "destroy"},
    "earlier-bucket": {"workspace-bucket-name": "of-an-earlier-deployment"},
    "expiring-files": {"workspace-expiration-days": 7},
    "no-deletion": {"workspace-delete": False},
    "alarms": {"alarms": True},
}


# Each of these settings is in `everything` or `filesystems`, or has a test in `tests/unit/stacks`.
IN_OTHERS = {
    "existing-role",
    "managed-policies",
    "certificates",
    "filesystems-in-new-vpc",
    "function",
    "destroyed-workspace",
    "earlier-bucket",
    "expiring-files",
    "no-deletion",
    "alarms",
}


@pytest.mark.parametrize(
    "mode",
    [pytest.param(mode, marks=pytest.mark.slow if mode in IN_OTHERS else ()) for mode in SETTINGS],
)
def test_golden_templates_of_the_app(mode: str) -> None:
    # Text, as from the command line; other tests have the same settings as `cdk.json` has them.
    app = new_app({**NO_COPIES, **recommended_flags(), **namespaced(as_text(SETTINGS[mode]))})
    project.build(app)
    check_golden(f"{FOLDER}/app/{mode}.json", templates(app))
    assert warned_about(app) == PUBLIC_WARNING * (mode == "public")


def test_every_setting_has_a_golden_template() -> None:
    given = {key for settings in SETTINGS.values() for key in settings}
    assert given == {field.name.replace("_", "-") for field in fields(Settings)}
