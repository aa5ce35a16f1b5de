"""Everything that the library defines, in each mode of use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from aws_cdk.aws_lambda_destinations import SqsDestination
from aws_cdk.cx_api import CloudAssembly
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
from tests.golden_files import FOLDER as GOLDEN_FILES
from tests.project import PROJECT

ACCOUNT = "111111111111"


@dataclass(frozen=True)
class Ours:
    """One of each construct of the library."""

    code_interpreter: CodeInterpreter
    workspace: Workspace
    invoke: InvokeFunction
    monitoring: Monitoring
    gateway_target: agentcore.GatewayTarget | None = None

    @property
    def constructs(self) -> tuple[Construct, ...]:
        """All constructs, with the control function and the execution role."""
        found: list[Construct] = [
            self.code_interpreter,
            self.workspace,
            self.invoke,
            self.monitoring,
            self.code_interpreter.control_function,
        ]
        role = scope_of(self.code_interpreter).node.try_find_child("ExecutionRole")
        return (*found, role) if isinstance(role, ExecutionRole) else tuple(found)


def scope_of(construct: Construct) -> Construct:
    scope = construct.node.scope
    assert isinstance(scope, Construct)
    return scope


def _with(code_interpreter: CodeInterpreter, workspace: Workspace, **settings: Any) -> Ours:
    scope = scope_of(code_interpreter)
    invoke = InvokeFunction(
        scope, "Invoke", code_interpreter=code_interpreter, workspace=workspace, **settings
    )
    monitoring = Monitoring(
        scope, "Monitoring", code_interpreter=code_interpreter, function=invoke.function
    )
    return Ours(code_interpreter, workspace, invoke, monitoring)


def defaults(scope: Construct) -> Ours:
    return _with(CodeInterpreter(scope, "Interpreter"), Workspace(scope, "Workspace"))


def public(scope: Construct) -> Ours:
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        network=Network.public(),
        execution_role=ExecutionRole(scope, "ExecutionRole"),
    )
    workspace = Workspace(scope, "Workspace", removal_policy=RemovalPolicy.DESTROY)
    return _with(interpreter, workspace, tracing=lambda_.Tracing.ACTIVE)


def vpc(scope: Construct) -> Ours:
    interpreter = CodeInterpreter(scope, "Interpreter", network=Network.vpc(imported_vpc(scope)))
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    return _with(interpreter, Workspace(scope, "Workspace"))


def all_options(scope: Construct) -> Ours:
    """Define constructs with every setting, and with new resources."""
    key = kms.Key(scope, "Key", enable_key_rotation=True)
    failures = sqs.Queue.from_queue_arn(
        scope, "Failures", Stack.of(scope).format_arn(service="sqs", resource="failures")
    )
    network = imported_vpc(scope)
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        description="for tests",
        network=Network.vpc(network),
        execution_role=ExecutionRole(scope, "ExecutionRole"),
        certificates=[imported_secret(scope)],
        filesystems=[imported_efs(scope), imported_s3_files(scope)],
        tags={"team": "data"},
        control_function=ControlFunction(
            scope, "Control", tracing=lambda_.Tracing.ACTIVE, environment_encryption=key
        ),
    )
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    workspace = Workspace(
        scope,
        "Workspace",
        prefix="files",
        encryption_key=key,
        expiration=Duration.days(30),
        versioned=True,
        server_access_logs_bucket=s3.Bucket.from_bucket_name(scope, "AccessLogs", "their-logs"),
    )
    ours = _with(
        interpreter,
        workspace,
        session_timeout=Duration.hours(1),
        vpc=network,
        tracing=lambda_.Tracing.ACTIVE,
        environment_encryption=key,
        reserved_concurrent_executions=5,
        on_failure=SqsDestination(failures),
    )
    target = ours.invoke.add_gateway_target(imported_gateway(scope))
    return replace(ours, gateway_target=target)


def existing(scope: Construct) -> Ours:
    """Define constructs with existing resources wherever the library takes them."""
    network = imported_vpc(scope)
    group = ec2.SecurityGroup.from_security_group_id(scope, "Group", "sg-0123456789abcdef0")
    interpreter = CodeInterpreter(
        scope,
        "Interpreter",
        network=Network.vpc(network, security_groups=[group]),
        execution_role=imported_role(scope, "sandbox"),
        filesystems=[imported_s3_files(scope)],
        control_function=ControlFunction(
            scope, "Control", role=imported_role(scope, "control"), log_group=imported_log(scope)
        ),
    )
    bucket = s3.Bucket.from_bucket_name(scope, "Bucket", "their-files")
    return _with(
        interpreter,
        Workspace(scope, "Workspace", bucket=bucket),
        role=imported_role(scope, "invoke"),
        log_group=imported_log(scope),
        vpc=network,
        security_groups=[group],
    )


MODES: dict[str, Callable[[Construct], Ours]] = {
    "defaults": defaults,
    "public": public,
    "vpc": vpc,
    "all options": all_options,
    "existing": existing,
}


def imported_vpc(scope: Construct) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["use1-az1", "use1-az2"],
        private_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        private_subnet_route_table_ids=["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"],
    )


def imported_role(scope: Construct, name: str, **options: Any) -> iam.IRole:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return iam.Role.from_role_arn(scope, f"Role-{name}", arn, **options)


def imported_log(scope: Construct) -> logs.ILogGroup:
    number = len(scope.node.children)
    return logs.LogGroup.from_log_group_name(scope, f"Logs{number}", "theirs")


def imported_secret(scope: Construct) -> secretsmanager.ISecret:
    return secretsmanager.Secret.from_secret_name_v2(scope, "Certificate", "certificate")


def imported_efs(scope: Construct) -> Filesystem:
    group = ec2.SecurityGroup.from_security_group_id(scope, "Targets", "sg-0123456789abcdef1")
    file_system = efs.FileSystem.from_file_system_attributes(
        scope, "Efs", file_system_id="fs-01234567890123456", security_group=group
    )
    access_point = efs.AccessPoint.from_access_point_attributes(
        scope, "AccessPoint", access_point_id="fsap-01234567890123456", file_system=file_system
    )
    return Filesystem.efs(access_point, mount_path="/mnt/efs")


def imported_s3_files(scope: Construct) -> Filesystem:
    file_system = Stack.of(scope).format_arn(
        service="s3files", resource="file-system", resource_name="fs-01234567890123456"
    )
    return Filesystem.s3_files(
        file_system_arn=file_system,
        access_point_arn=f"{file_system}/access-point/fsap-01234567890123456",
        mount_path="/mnt/bucket",
    )


def imported_gateway(scope: Construct) -> agentcore.IGateway:
    return agentcore.Gateway.from_gateway_attributes(
        scope,
        "Gateway",
        gateway_arn=f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:gateway/theirs-0123456789",
        gateway_id="theirs-0123456789",
        gateway_name="theirs",
        role=imported_role(scope, "gateway"),
    )


# apps


def new_app(context: Mapping[str, Any] | None = None, **options: Any) -> App:
    """Return an app that makes templates, and nothing that only a deployment needs.

    A copy of each function's code in each app, and the tree of constructs, take a fifth of the time
    of a synthesis.
    """
    return App(
        context={"aws:cdk:disable-asset-staging": True, **(context or {})},
        builtin_cloud_formation_validation=False,
        tree_metadata=False,
        **options,
    )


@cache
def all_flags() -> dict[str, Any]:
    """Return every feature flag of the installed CDK, switched on."""
    assembly = new_app().synth()
    [report] = [
        artifact
        for artifact in manifest(assembly)["artifacts"].values()
        if artifact["type"] == "cdk:feature-flag-report"
    ]
    recommended = {
        name: flag["recommendedValue"] for name, flag in report["properties"]["flags"].items()
    }
    return {name: True if isinstance(value, bool) else value for name, value in recommended.items()}


@cache
def recommended_flags() -> dict[str, Any]:
    """Return the feature flags of the project's own app, which come from `cdk init`."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    return {name: value for name, value in context.items() if name.startswith("@aws-cdk")}


FLAGS: dict[str, Callable[[], Mapping[str, Any]]] = {
    "none": dict,
    "recommended": recommended_flags,
    "all": all_flags,
}


# reading the result


def manifest(assembly: CloudAssembly) -> dict[str, Any]:
    return dict(json.loads((Path(assembly.directory) / "manifest.json").read_text()))


def resources(ours: Ours) -> dict[str, Any]:
    """Return the synthesised resources of the library's constructs, without those of the test."""
    stack = Stack.of(ours.code_interpreter)
    template = Template.from_stack(stack).to_json()["Resources"]
    logical_ids = [
        node.logical_id
        for construct in (*ours.constructs, ours.gateway_target)
        if construct is not None
        for node in construct.node.find_all()
        if isinstance(node, CfnResource)
    ]
    return {name: template[name] for name in stack.resolve(logical_ids) if name in template}


@cache
def resources_of_all_options(flags: str) -> Mapping[str, Any]:
    """Return the resources with every setting, once for all tests that only read them."""
    return resources(all_options(Stack(new_app(FLAGS[flags]()), "Test")))


def golden_template(mode: str) -> dict[str, Any]:
    """Return the template of the stack `Test` with a mode, to which the golden tests hold it."""
    path = GOLDEN_FILES / "templates" / "library" / f"{mode.replace(' ', '-')}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["Test"])


def synthesise_all(directory: Path) -> dict[str, str]:
    """Return the template and the manifest of every mode, as text."""
    app = App(outdir=str(directory), builtin_cloud_formation_validation=False)
    for mode, define in MODES.items():
        define(Stack(app, mode.replace(" ", "-")))
    app.synth()
    return {
        path.name: path.read_text()
        for path in sorted(directory.iterdir())
        if path.name == "manifest.json" or path.name.endswith((".template.json", ".assets.json"))
    }
