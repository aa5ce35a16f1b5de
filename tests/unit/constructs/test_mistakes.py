"""Plausible mistakes in the arguments of the library, and the message that each gives.

A message names the argument, says what was given and what is allowed, and how to mend it. No
mistake leaves a construct in the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from aws_cdk import CfnParameter, Duration, Environment, RemovalPolicy, Stack, Stage, Tags
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template

import cdk_code_interpreter
from tests.unit.constructs.everything import ACCOUNT, imported_gateway, imported_vpc, new_app

# Untyped, so that mistakes can be made.
library: Any = cdk_code_interpreter
CodeInterpreter = library.CodeInterpreter
CommandTask = library.CommandTask
ControlFunction = library.ControlFunction
ExecutionRole = library.ExecutionRole
Filesystem = library.Filesystem
InvokeFunction = library.InvokeFunction
Monitoring = library.Monitoring
Network = library.Network
NetworkConfig = library.NetworkConfig
Workspace = library.Workspace

REGION = "us-east-1"
ARN = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:code-interpreter-custom/mine-0123456789"
FILE_SYSTEM = f"arn:aws:s3files:{REGION}:{ACCOUNT}:file-system/fs-01234567890123456"
ACCESS_POINT = f"{FILE_SYSTEM}/access-point/fsap-01234567890123456"


class Given:
    """An app with one of everything that a mistake can be made with, each made at its first use."""

    def __init__(self) -> None:
        self.app = new_app()
        self.stage = Stage(self.app, "Stage")
        self.other = Stack(self.app, "Other", env=Environment(account=ACCOUNT, region="eu-west-1"))
        self.stack = Stack(self.app, "Test", env=Environment(account=ACCOUNT, region=REGION))

    def make_all(self) -> None:
        """Make what is left to make, so that a mistake makes nothing but its own."""
        for name, attribute in vars(Given).items():
            if isinstance(attribute, cached_property):
                getattr(self, name)
        self.invoke.add_gateway_target(self.gateway)
        self.invoke.add_action_group(self.agent)

    @cached_property
    def interpreter(self) -> Any:
        return CodeInterpreter(self.stack, "Interpreter")

    @cached_property
    def workspace(self) -> Any:
        return Workspace(self.stack, "Workspace")

    @cached_property
    def invoke(self) -> Any:
        return InvokeFunction(
            self.stack, "Invoke", code_interpreter=self.interpreter, workspace=self.workspace
        )

    @cached_property
    def control(self) -> Any:
        return self.interpreter.control_function

    @cached_property
    def bucket(self) -> s3.Bucket:
        return s3.Bucket(self.stack, "Bucket")

    @cached_property
    def role(self) -> iam.IRole:
        return iam.Role.from_role_arn(self.stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/mine")

    @cached_property
    def user(self) -> iam.User:
        return iam.User(self.stack, "User")

    @cached_property
    def key(self) -> kms.Key:
        return kms.Key(self.stack, "Key")

    @cached_property
    def log_group(self) -> logs.LogGroup:
        return logs.LogGroup(self.stack, "LogGroup")

    @cached_property
    def topic(self) -> sns.Topic:
        return sns.Topic(self.stack, "Topic")

    @cached_property
    def queue(self) -> sqs.Queue:
        return sqs.Queue(self.stack, "Queue")

    @cached_property
    def secret(self) -> secretsmanager.Secret:
        return secretsmanager.Secret(self.stack, "Secret")

    @cached_property
    def vpc(self) -> ec2.IVpc:
        return imported_vpc(self.stack)

    @cached_property
    def isolated(self) -> ec2.Vpc:
        return ec2.Vpc(
            self.stack,
            "Isolated",
            subnet_configuration=[
                ec2.SubnetConfiguration(name="a", subnet_type=ec2.SubnetType.PUBLIC)
            ],
        )

    @cached_property
    def group(self) -> ec2.ISecurityGroup:
        return ec2.SecurityGroup.from_security_group_id(self.stack, "Group", "sg-0123456789abcdef")

    @cached_property
    def subnet(self) -> ec2.ISubnet:
        return ec2.Subnet.from_subnet_id(self.stack, "Subnet", "subnet-0123456789abcdef0")

    @cached_property
    def native(self) -> agentcore.CfnCodeInterpreterCustom:
        return agentcore.CfnCodeInterpreterCustom(
            self.stack,
            "Native",
            name="native",
            network_configuration=(
                agentcore.CfnCodeInterpreterCustom.CodeInterpreterNetworkConfigurationProperty(
                    network_mode="SANDBOX"
                )
            ),
        )

    @cached_property
    def function(self) -> lambda_.IFunction:
        return lambda_.Function.from_function_name(self.stack, "Theirs", "theirs")

    @cached_property
    def access_point(self) -> efs.IAccessPoint:
        return efs.AccessPoint.from_access_point_attributes(
            self.stack,
            "AccessPoint",
            access_point_id="fsap-01234567890123456",
            file_system=efs.FileSystem.from_file_system_attributes(
                self.stack, "Efs", file_system_id="fs-01234567890123456", security_group=self.group
            ),
        )

    @cached_property
    def gateway(self) -> agentcore.IGateway:
        return imported_gateway(self.stack)

    @cached_property
    def agent(self) -> bedrock.CfnAgent:
        return bedrock.CfnAgent(self.stack, "Agent", agent_name="agent")

    def interpret(self, **properties: Any) -> Any:
        return CodeInterpreter(self.stack, "New", **properties)

    def call(self, **properties: Any) -> Any:
        required = {"code_interpreter": self.interpreter, "workspace": self.workspace}
        return InvokeFunction(self.stack, "New", **{**required, **properties})

    def control_with(self, **properties: Any) -> Any:
        return ControlFunction(self.stack, "New", **properties)

    def keep(self, **properties: Any) -> Any:
        return Workspace(self.stack, "New", **properties)

    def execute_as(self, **properties: Any) -> Any:
        return ExecutionRole(self.stack, "New", **properties)

    def monitor(self, **properties: Any) -> Any:
        required = {"code_interpreter": self.interpreter, "function": self.invoke.function}
        return Monitoring(self.stack, "New", **{**required, **properties})

    def command(self, **properties: Any) -> Any:
        required = {"function": self.invoke, "session": "s", "command": "ls"}
        return CommandTask(self.stack, "New", **{**required, **properties})

    def in_vpc(self, **properties: Any) -> Any:
        return Network.vpc(**{"vpc": self.vpc, **properties})

    def efs(self, **properties: Any) -> Any:
        return Filesystem.efs(
            **{"access_point": self.access_point, "mount_path": "/mnt/a", **properties}
        )

    def s3_files(self, **properties: Any) -> Any:
        required = {"file_system_arn": FILE_SYSTEM, "access_point_arn": ACCESS_POINT}
        return Filesystem.s3_files(**{**required, "mount_path": "/mnt/a", **properties})

    def target(self, **arguments: Any) -> Any:
        return self.invoke.add_gateway_target(**{"gateway": self.gateway, **arguments})

    def group_of(self, **arguments: Any) -> Any:
        return self.invoke.add_action_group(**{"agent": self.agent, **arguments})


class Mistake(NamedTuple):
    name: str
    make: Callable[[Given], Any]
    message: str
    error: type[Exception] = TypeError


def value(name: str, make: Callable[[Given], Any], message: str) -> Mistake:
    """Return a mistake of the right type."""
    return Mistake(name, make, message, ValueError)


INTERPRETER = [
    Mistake("scope text", lambda on: CodeInterpreter("self", "New"), r"scope must be constructs\.Construct; got str.*'self'.*such as self"),
    Mistake("scope class", lambda on: CodeInterpreter(Stack, "New"), r"scope must be constructs\.Construct; got .*\(the class itself\); .*such as self"),
    Mistake("scope none", lambda on: CodeInterpreter(None, "New"), r"scope must be .*got NoneType"),
    value("scope app", lambda on: CodeInterpreter(on.app, "New"), r"scope is App '', which is in no stack; pass a stack"),
    value("scope stage", lambda on: CodeInterpreter(on.stage, "New"), r"scope is Stage 'Stage', which is in no stack; pass a stack"),
    Mistake("no id", lambda on: CodeInterpreter(on.stack), r"CodeInterpreter\(\): missing a required argument: 'construct_id'; it takes"),
    Mistake("id number", lambda on: CodeInterpreter(on.stack, 1), r"construct_id must be str; got int.*\(1\); pass text"),
    value("id empty", lambda on: CodeInterpreter(on.stack, ""), r"construct_id is '', but .*1 character or more"),
    Mistake("name positional", lambda on: CodeInterpreter(on.stack, "New", "mine"), r"CodeInterpreter\(\): too many positional.*it takes scope"),
    Mistake("misspelt", lambda on: on.interpret(nmae="x"), r"CodeInterpreter\(\) takes no argument nmae \(did you mean name\?\); allowed: scope"),
    Mistake("not ours", lambda on: on.interpret(code_interpreter_name="x"), r"takes no argument code_interpreter_name.*allowed: .*name"),
    Mistake("name number", lambda on: on.interpret(name=3), r"name must be str; got int.*\(3\); pass text"),
    value("name hyphen", lambda on: on.interpret(name="my-name"), r"name is 'my-name'.*1 to 48 letters"),
    value("name empty", lambda on: on.interpret(name=""), r"name is ''.*1 to 48 letters"),
    Mistake("description list", lambda on: on.interpret(description=["a"]), r"description must be str; got list"),
    value("description empty", lambda on: on.interpret(description=""), r"description has 0 characters.*1 to 4096"),
    Mistake("network text", lambda on: on.interpret(network="sandbox"), r"network must be cdk_code_interpreter\.Network; got str.*'sandbox'.*Network\.sandbox\(\)"),
    Mistake("network upper", lambda on: on.interpret(network="PUBLIC"), r"got str.*'PUBLIC'.*Network\.public\(\)"),
    Mistake("network uncalled", lambda on: on.interpret(network=Network.sandbox), r"network must be .*got function.*call it: Network\.sandbox\("),
    Mistake("network class", lambda on: on.interpret(network=Network), r"got cdk_code_interpreter\.Network instead \(the class itself\); .*Network\.sandbox\(\)"),
    Mistake("network vpc", lambda on: on.interpret(network=on.vpc), r"network must be .*Network\.vpc\(\.\.\.\)"),
    Mistake("network config", lambda on: on.interpret(network=NetworkConfig("SANDBOX")), r"network must be .*got cdk_code_interpreter\.NetworkConfig"),
    Mistake("network of cdk", lambda on: on.interpret(network=agentcore.CodeInterpreterNetworkConfiguration.using_sandbox_network()), r"network must be .*Network\.sandbox\(\)"),
    Mistake("role arn", lambda on: on.interpret(execution_role="arn:aws:iam::1:role/x"), r"execution_role must be one of \(aws_cdk\.aws_iam\.IRole, cdk_code_interpreter\.ExecutionRole\); got str.*iam\.Role\.from_role_arn\(\)"),
    Mistake("role user", lambda on: on.interpret(execution_role=on.user), r"execution_role must be .*got aws_cdk\.aws_iam\.User.*from_role_arn"),
    Mistake("role class", lambda on: on.interpret(execution_role=ExecutionRole), r"execution_role must be .*ExecutionRole"),
    Mistake("certificates arn", lambda on: on.interpret(certificates="arn:aws:x"), r"certificates\[0\] must be aws_cdk\.aws_secretsmanager\.ISecret; got str.*put it into a list.*from_secret_complete_arn"),
    Mistake("certificates arns", lambda on: on.interpret(certificates=["arn:aws:x"]), r"certificates\[0\] must be .*ISecret; got str.*from_secret_complete_arn"),
    Mistake("certificates secret", lambda on: on.interpret(certificates=on.secret), r"certificates must be a sequence; got .*Secret.*put it into a list"),
    value("certificates 201", lambda on: on.interpret(certificates=[on.secret] * 201), r"201 certificates.*at most 200; remove some"),
    Mistake("filesystems one", lambda on: on.interpret(filesystems=on.s3_files()), r"filesystems must be a sequence; .*put it into a list"),
    Mistake("filesystems efs", lambda on: on.interpret(filesystems=[on.access_point]), r"filesystems\[0\] must be cdk_code_interpreter\.Filesystem; .*Filesystem\.efs"),
    Mistake("filesystems path", lambda on: on.interpret(filesystems=["/mnt/data"]), r"filesystems\[0\] must be .*got str.*Filesystem\.efs"),
    value("filesystems no role", lambda on: on.interpret(filesystems=[on.s3_files()], network=on.in_vpc()), r"'Test/New' has filesystems, but no execution role.*pass execution_role="),
    value("filesystems no vpc", lambda on: on.interpret(filesystems=[on.s3_files()], execution_role=on.role), r"'Test/New' has filesystems.*not in a VPC; pass network=Network\.vpc"),
    value("filesystems same path", lambda on: on.interpret(filesystems=[on.s3_files(), on.efs()]), r"2 filesystems have mount_path '/mnt/a'; give each its own path"),
    value("filesystems path", lambda on: on.interpret(filesystems=[on.efs(mount_path="data")]), r"mount_path is 'data'.*/mnt/ and one name.*change it"),
    value("filesystems three", lambda on: on.interpret(filesystems=[on.efs(mount_path=f"/mnt/{name}") for name in "abc"]), r"3 of Amazon EFS.*at most 2"),
    Mistake("tags none", lambda on: on.interpret(tags={"a": None}), r"tags\['a'\] must be str; got NoneType.*pass a dictionary of texts"),
    Mistake("tags number", lambda on: on.interpret(tags={"a": 1}), r"tags\['a'\] must be str; got int"),
    Mistake("tags list", lambda on: on.interpret(tags=[{"Key": "a", "Value": "b"}]), r"tags must be a dict; got list.*pass a dictionary"),
    value("tags aws", lambda on: on.interpret(tags={"aws:x": "y"}), r"'aws:x' begins with 'aws:', which AWS reserves; rename it"),
    value("tags blank", lambda on: on.interpret(tags={"cost\u00a0centre": "y"}), r"tag key .* is not allowed.*change it"),
    value("tags umlaut", lambda on: on.interpret(tags={"Bücher": "y"}), r"tag key 'Bücher' is not allowed.*change it"),
    Mistake("control of calls", lambda on: on.interpret(control_function=on.invoke), r"control_function must be .*got cdk_code_interpreter\.InvokeFunction.*ControlFunction\("),
    Mistake("control lambda", lambda on: on.interpret(control_function=on.control.function), r"control_function must be cdk_code_interpreter\.ControlFunction; got .*ControlFunction\("),
    value("control elsewhere", lambda on: CodeInterpreter(on.other, "New", control_function=on.control), r"control_function is in stack 'Test'.*define another in stack 'Other'"),
    Mistake("removal text", lambda on: on.interpret(removal_policy="destroy"), r"removal_policy must be aws_cdk\.RemovalPolicy; got str.*'destroy'.*RemovalPolicy\.DESTROY"),
    value("removal snapshot", lambda on: on.interpret(removal_policy=RemovalPolicy.SNAPSHOT), r"removal_policy is RemovalPolicy\.SNAPSHOT.*RemovalPolicy\.RETAIN"),
    value("id not valid", lambda on: CodeInterpreter.from_id(on.stack, "New", "not valid!"), r"code_interpreter_id is 'not valid!'.*'mine-0123456789'.*change it"),
    value("id a name", lambda on: CodeInterpreter.from_id(on.stack, "New", "mine"), r"code_interpreter_id is 'mine'.*its name, a hyphen and ten"),
    value("id an arn", lambda on: CodeInterpreter.from_id(on.stack, "New", ARN), r"code_interpreter_id is 'arn:.*use from_arn\(\)"),
    Mistake("id of native", lambda on: CodeInterpreter.from_id(on.stack, "New", on.native), r"code_interpreter_id must be str; got aws_cdk"),
    value("arn an id", lambda on: CodeInterpreter.from_arn(on.stack, "New", "mine-0123456789"), r"code_interpreter_arn is 'mine-0123456789'.*use from_id\(\)"),
    value("arn without id", lambda on: CodeInterpreter.from_arn(on.stack, "New", ARN.removesuffix("mine-0123456789")), r"code_interpreter_arn is '.*custom/'.*<id>'; change it"),
    value("arn of a browser", lambda on: CodeInterpreter.from_arn(on.stack, "New", ARN.replace("code-interpreter", "browser")), r"code_interpreter_arn is .*browser.*change it"),
    Mistake("attributes positional", lambda on: CodeInterpreter.from_attributes(on.stack, "New", ARN), r"CodeInterpreter\.from_attributes\(\): too many positional arguments"),
    Mistake("attributes role", lambda on: CodeInterpreter.from_attributes(on.stack, "New", code_interpreter_arn=ARN, execution_role="x"), r"execution_role must be .*IRole; got str"),
    Mistake("attributes groups", lambda on: CodeInterpreter.from_attributes(on.stack, "New", code_interpreter_arn=ARN, security_groups="sg-1"), r"security_groups.*got str.*put it into a list.*from_security_group_id"),
    Mistake("managed text", lambda on: CodeInterpreter.aws_managed("stack", "New"), r"scope must be constructs\.Construct; got str"),
    Mistake("use text", lambda on: on.interpreter.grant_use("arn:aws:iam::1:role/x"), r"grantee must be aws_cdk\.aws_iam\.IGrantable; got str.*grant_principal"),
    Mistake("read bucket", lambda on: on.interpreter.grant_read(on.bucket), r"grantee must be .*IGrantable; got aws_cdk\.aws_s3\.Bucket"),
]  # fmt: skip
NETWORK = [
    Mistake("vpc id", lambda on: Network.vpc("vpc-1"), r"vpc must be aws_cdk\.aws_ec2\.IVpc; got str.*'vpc-1'.*ec2\.Vpc\.from_lookup\(\)"),
    Mistake("vpc missing", lambda on: Network.vpc(), r"Network\.vpc\(\): missing a required argument: 'vpc'"),
    Mistake("subnets list", lambda on: on.in_vpc(subnets=[on.subnet]), r"subnets must be .*SubnetSelection; got list.*ec2\.SubnetSelection\("),
    Mistake("subnets dict", lambda on: on.in_vpc(subnets={"subnets": []}), r"subnets must be .*got dict"),
    value("subnets none", lambda on: on.in_vpc(subnets=ec2.SubnetSelection(subnets=[])), r"0 subnets are given.*1 to 16; choose others with subnets="),
    value("subnets many", lambda on: on.in_vpc(subnets=ec2.SubnetSelection(subnets=[on.subnet] * 17)), r"17 subnets are given.*1 to 16"),
    value("subnets private", lambda on: Network.vpc(on.isolated, subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)), r"the subnets of VPC 'Test/Isolated' cannot be selected: .*choose others with subnets="),
    Mistake("groups ids", lambda on: on.in_vpc(security_groups=["sg-1"]), r"security_groups\[0\] must be .*ISecurityGroup; got str.*from_security_group_id"),
    Mistake("groups one", lambda on: on.in_vpc(security_groups=on.group), r"security_groups must be .*put it into a list"),
    value("groups none", lambda on: on.in_vpc(security_groups=[]), r"0 security groups are given.*1 to 16"),
    value("mode", lambda on: NetworkConfig("sandbox"), r"mode is 'sandbox'.*one of SANDBOX, PUBLIC, VPC; change it"),
    value("mode vpc", lambda on: NetworkConfig("VPC", ["subnet-1"]), r"mode is 'VPC' and connections is None"),
]  # fmt: skip
FILESYSTEM = [
    Mistake("efs id", lambda on: Filesystem.efs("fsap-1", mount_path="/mnt/a"), r"access_point must be .*IAccessPoint; got str.*from_access_point_attributes"),
    Mistake("efs no path", lambda on: Filesystem.efs(on.access_point), r"Filesystem\.efs\(\): missing a required .*'mount_path'"),
    Mistake("efs path positional", lambda on: Filesystem.efs(on.access_point, "/mnt/a"), r"Filesystem\.efs\(\): too many positional"),
    value("s3 id", lambda on: on.s3_files(file_system_arn="fs-1"), r"file_system_arn is 'fs-1'.*the ARN of a file system, like 'arn:aws:s3files"),
    value("s3 bucket", lambda on: on.s3_files(file_system_arn="arn:aws:s3:::bucket"), r"file_system_arn is 'arn:aws:s3:::bucket'"),
    value("s3 swapped", lambda on: on.s3_files(access_point_arn=FILE_SYSTEM), r"access_point_arn is .*the ARN of an access point, like"),
    Mistake("s3 group", lambda on: on.s3_files(security_group="sg-1"), r"security_group must be .*ISecurityGroup; got str"),
]  # fmt: skip
ROLE = [
    Mistake("policies names", lambda on: on.execute_as(managed_policies=["ReadOnlyAccess"]), r"managed_policies\[0\] must be .*IManagedPolicy; got str.*from_managed_policy_arn"),
    Mistake("policies one", lambda on: on.execute_as(managed_policies=iam.ManagedPolicy.from_aws_managed_policy_name("ReadOnlyAccess")), r"managed_policies must be .*put it into a list.*from_aws_managed_policy_name"),
    Mistake("boundary arn", lambda on: on.execute_as(permissions_boundary="arn"), r"permissions_boundary must be .*IManagedPolicy; got str"),
    Mistake("trusts others", lambda on: on.execute_as(assumed_by=iam.ServicePrincipal("x")), r"ExecutionRole\(\) takes no argument assumed_by; allowed: scope"),
    value("name", lambda on: on.execute_as(role_name="a role"), r"role_name is 'a role'.*1 to 64 letters.*change it"),
    value("name umlaut", lambda on: on.execute_as(role_name="rôle"), r"role_name is 'rôle'.*1 to 64 letters.*change it"),
]  # fmt: skip
INVOKE = [
    Mistake("no workspace", lambda on: InvokeFunction(on.stack, "New", code_interpreter=on.interpreter), r"InvokeFunction\(\): missing a required .*'workspace'; it takes"),
    Mistake("workspace bucket", lambda on: on.call(workspace=on.bucket), r"workspace must be cdk_code_interpreter\.Workspace; got aws_cdk\.aws_s3\.Bucket.*takes a bucket as bucket="),
    Mistake("workspace name", lambda on: on.call(workspace="bucket"), r"workspace must be .*got str.*'bucket'"),
    Mistake("workspace none", lambda on: on.call(workspace=None), r"workspace must be .*got NoneType"),
    Mistake("interpreter id", lambda on: on.call(code_interpreter="mine-0123456789"), r"code_interpreter must be .*ICodeInterpreterCustom; got str.*CodeInterpreter\.from_id\(\)"),
    Mistake("interpreter native", lambda on: on.call(code_interpreter=on.native), r"code_interpreter must be .*got aws_cdk.*CfnCodeInterpreterCustom.*from_id"),
    Mistake("interpreter class", lambda on: on.call(code_interpreter=CodeInterpreter), r"code_interpreter must be .*ICodeInterpreterCustom"),
    value("interpreter elsewhere", lambda on: InvokeFunction(on.other, "New", code_interpreter=on.interpreter, workspace=on.workspace), r"region 'us-east-1'.*'eu-west-1'.*define the function in"),
    Mistake("session number", lambda on: on.call(session_timeout=900), r"session_timeout must be aws_cdk\.Duration; got int.*\(900\); .*Duration\.minutes\(15\)"),
    value("session 9 hours", lambda on: on.call(session_timeout=Duration.hours(9)), r"session_timeout is 32400 s.*1 to 28800 s"),
    Mistake("timeout text", lambda on: on.call(timeout="15 minutes"), r"timeout must be aws_cdk\.Duration; got str"),
    value("timeout zero", lambda on: on.call(timeout=Duration.seconds(0)), r"timeout is 0 s.*it must be 1 to 1800 s"),
    value("timeout long", lambda on: on.call(timeout=Duration.hours(1)), r"timeout is 3600 s.*it must be 1 to 1800 s"),
    value("timeout part", lambda on: on.call(timeout=Duration.millis(1500)), r"timeout is 1\.5 s.*it must be 1 to 1800 s, and whole; change it"),
    value("memory 64", lambda on: on.call(memory_size=64), r"memory_size is 64.*128 to 10240 \(MiB\); change it"),
    value("memory 20480", lambda on: on.call(memory_size=20480), r"memory_size is 20480.*128 to 10240"),
    value("memory part", lambda on: on.call(memory_size=256.5), r"memory_size is 256\.5.*a whole number"),
    Mistake("memory text", lambda on: on.call(memory_size="256"), r"memory_size must be int; got str.*'256'.*whole number"),
    Mistake("memory size", lambda on: on.call(memory_size=True), r"memory_size must be int; got bool"),
    Mistake("log name", lambda on: on.call(log_group="/aws/lambda/x"), r"log_group must be .*ILogGroup; got str.*from_log_group_name"),
    Mistake("log retention", lambda on: on.call(log_retention=7), r"log_retention must be aws_cdk\.aws_logs\.RetentionDays; got int.*RetentionDays\.ONE_MONTH"),
    value("log group twice", lambda on: on.call(log_group=on.log_group, log_retention=logs.RetentionDays.ONE_DAY), r"log_retention cannot be given together with log_group.*leave out"),
    value("log snapshot", lambda on: on.call(log_removal_policy=RemovalPolicy.SNAPSHOT), r"log_removal_policy is RemovalPolicy\.SNAPSHOT"),
    Mistake("role arn", lambda on: on.call(role="arn:aws:iam::1:role/x"), r"role must be .*IRole; got str"),
    Mistake("environment", lambda on: on.call(enviroment={"A": "b"}), r"takes no argument enviroment.*allowed: .*function_name"),
    Mistake("vpc id", lambda on: on.call(vpc="vpc-1"), r"vpc must be .*IVpc; got str"),
    Mistake("tracing", lambda on: on.call(tracing=True), r"tracing must be aws_cdk\.aws_lambda\.Tracing; got bool.*Tracing\.ACTIVE"),
    Mistake("failure queue", lambda on: on.call(on_failure=on.queue), r"on_failure must be .*IDestination; got .*Queue.*SqsDestination"),
    Mistake("key arn", lambda on: on.call(environment_encryption="arn"), r"environment_encryption must be .*IKey; got str.*kms\.Key\.from_key_arn"),
    value("executions", lambda on: on.call(reserved_concurrent_executions=-1), r"reserved_concurrent_executions is -1.*0 or more; change it"),
    value("function name", lambda on: on.call(function_name="a function"), r"function_name is 'a function'.*1 to 64"),
    value("subnets without vpc", lambda on: on.call(vpc_subnets=ec2.SubnetSelection()), r"vpc_subnets is given, but vpc is not; pass vpc="),
    value("groups without vpc", lambda on: on.call(security_groups=[on.group]), r"security_groups is given, but vpc is not"),
    value("outbound without vpc", lambda on: on.call(allow_all_outbound=False), r"allow_all_outbound is given, but vpc is not"),
    value("outbound and groups", lambda on: on.call(vpc=on.vpc, allow_all_outbound=False, security_groups=[on.group]), r"allow_all_outbound and security_groups are given.*leave out one"),
    Mistake("grant text", lambda on: on.invoke.grant_invoke("role"), r"grantee must be .*IGrantable; got str"),
    Mistake("gateway arn", lambda on: on.target(gateway="arn"), r"gateway must be .*IGateway; got str.*from_gateway_attributes"),
    Mistake("gateway swapped", lambda on: on.target(gateway=on.agent), r"gateway must be .*IGateway; got .*CfnAgent"),
    value("gateway name", lambda on: on.target(construct_id="Second", name="my tools"), r"name is 'my tools'.*1 to 100 letters, digits.*change it"),
    value("gateway name empty", lambda on: on.target(construct_id="Second", name=""), r"name is ''.*1 to 100 letters"),
    value("gateway twice", lambda on: on.target(), r"'CodeInterpreterTarget' is taken in 'Test/Gateway'; pass another construct_id="),
    Mistake("agent id", lambda on: on.group_of(agent="AGENT"), r"agent must be aws_cdk\.aws_bedrock\.CfnAgent; got str"),
    Mistake("agent gateway", lambda on: on.group_of(agent=on.gateway), r"agent must be .*CfnAgent; got"),
    value("agent name", lambda on: on.group_of(construct_id="Second", name="my tools"), r"name is 'my tools'.*1 to 40 letters"),
    value("agent id twice", lambda on: on.group_of(name="second"), r"'CodeInterpreterPermission' is taken in 'Test/Agent'; pass another construct_id="),
    value("agent name twice", lambda on: on.group_of(construct_id="Second"), r"'Test/Agent' has an action group 'code-interpreter' already; pass another name="),
]  # fmt: skip
CONTROL = [
    Mistake("role", lambda on: on.control_with(role="role"), r"role must be .*IRole; got str"),
    Mistake("log", lambda on: on.control_with(log_group=on.bucket), r"log_group must be .*ILogGroup; got aws_cdk\.aws_s3\.Bucket"),
    Mistake("timeout", lambda on: on.control_with(timeout=Duration.minutes(1)), r"ControlFunction\(\) takes no argument timeout"),
    value("subnets", lambda on: on.control_with(vpc_subnets=ec2.SubnetSelection()), r"vpc_subnets is given, but vpc is not"),
    Mistake("of text", lambda on: ControlFunction.of("stack"), r"scope must be constructs\.Construct; got str"),
    Mistake("create", lambda on: on.control.allow_create(Network.sandbox()), r"network must be cdk_code_interpreter\.NetworkConfig; .*Network\.bind\(\)"),
    Mistake("pass", lambda on: on.control.allow_pass_role("arn"), r"role must be .*IRole; got str"),
    Mistake("secret", lambda on: on.control.allow_read_secret("arn"), r"secret must be .*ISecret; got str"),
]  # fmt: skip
WORKSPACE = [
    Mistake("bucket name", lambda on: on.keep(bucket="files"), r"bucket must be .*IBucket; got str.*s3\.Bucket\.from_bucket_name"),
    Mistake("bucket workspace", lambda on: on.keep(bucket=on.workspace), r"bucket must be .*got cdk_code_interpreter\.Workspace"),
    Mistake("prefix number", lambda on: on.keep(prefix=1), r"prefix must be str; got int"),
    value("prefix slash", lambda on: on.keep(prefix="/files/"), r"prefix is '/files/'.*change it"),
    value("prefix records", lambda on: on.keep(prefix="sessions"), r"prefix is 'sessions', but session records"),
    Mistake("key alias", lambda on: on.keep(encryption_key="alias/x"), r"encryption_key must be .*IKey; got str"),
    Mistake("days", lambda on: on.keep(expiration=30), r"expiration must be .*Duration; got int.*\(30\)"),
    value("hours", lambda on: on.keep(expiration=Duration.hours(36)), r"expiration is .*one or more whole days"),
    Mistake("versioned", lambda on: on.keep(versioned="yes"), r"versioned must be bool; got str"),
    Mistake("removal", lambda on: on.keep(removal_policy="RETAIN"), r"removal_policy must be .*RemovalPolicy; got str"),
    value("snapshot", lambda on: on.keep(removal_policy=RemovalPolicy.SNAPSHOT), r"removal_policy is RemovalPolicy\.SNAPSHOT"),
    Mistake("logs", lambda on: on.keep(server_access_logs_bucket="logs"), r"server_access_logs_bucket must be .*IBucket"),
    value("both", lambda on: on.keep(bucket=on.bucket, versioned=True), r"versioned cannot be given together with bucket"),
    value("both log", lambda on: on.keep(bucket=on.bucket, log_retention=logs.RetentionDays.ONE_DAY), r"log_retention cannot be given together with bucket"),
    Mistake("grant", lambda on: on.workspace.grant_read_write(on.bucket), r"grantee must be .*IGrantable; got"),
    Mistake("grant delete", lambda on: on.workspace.grant_delete(on.bucket), r"grantee must be .*IGrantable; got"),
    Mistake("records", lambda on: on.workspace.grant_read_write(on.role, records_prefix=1), r"records_prefix must be str; got int"),
]  # fmt: skip
COMMAND = [
    Mistake("lambda", lambda on: on.command(function=on.invoke.function), r"function must be cdk_code_interpreter\.InvokeFunction; got cdk_code_interpreter\._private.*pass an InvokeFunction"),
    value("session space", lambda on: on.command(session="has space"), r"session is 'has space'.*1 to 64 letters, digits, _ and -.*change it"),
    value("session path", lambda on: on.command(session="$.session"), r"session is '\$\.session'.*sfn\.JsonPath\.string_at"),
    value("session empty", lambda on: on.command(session=""), r"session is ''.*1 to 64"),
    value("command empty", lambda on: on.command(command=" "), r"command is ' '.*a command line"),
    Mistake("command list", lambda on: on.command(command=["ls", "-l"]), r"command must be str; got list.*pass text"),
    Mistake("poll", lambda on: on.command(poll_interval=15), r"poll_interval must be aws_cdk\.Duration; got int"),
    value("long", lambda on: on.command(timeout=Duration.hours(9)), r"timeout is 32400 s.*1 to 28800 s"),
    value("languages", lambda on: on.command(session=sfn.JsonPath.string_at("$.s"), command="{% 1 %}"), r"command is '{% 1 %}'.*use one query language"),
]  # fmt: skip
MONITORING = [
    Mistake("interpreter", lambda on: on.monitor(code_interpreter=on.invoke), r"code_interpreter must be .*got cdk_code_interpreter\.InvokeFunction"),
    Mistake("function name", lambda on: on.monitor(function="invoke"), r"function must be one of \(cdk_code_interpreter\.InvokeFunction, aws_cdk\.aws_lambda\.Function\); got str"),
    Mistake("function imported", lambda on: on.monitor(function=on.function), r"function must be .*a lambda_\.Function of this app"),
    Mistake("control", lambda on: on.monitor(function=on.control), r"function must be .*got cdk_code_interpreter\.ControlFunction"),
    Mistake("topic", lambda on: on.monitor(alarm_actions=[on.topic]), r"alarm_actions\[0\] must be .*IAlarmAction; got .*Topic.*SnsAction\(topic\)"),
    Mistake("topic arn", lambda on: on.monitor(alarm_actions=[on.topic.topic_arn]), r"alarm_actions\[0\] must be .*got str.*SnsAction"),
    Mistake("action", lambda on: on.monitor(alarm_actions=on.topic), r"alarm_actions must be a sequence; .*put it into a list"),
]  # fmt: skip
MISTAKES = {
    f"{group}: {mistake.name}": mistake
    for group, mistakes in {
        "interpreter": INTERPRETER,
        "network": NETWORK,
        "filesystem": FILESYSTEM,
        "role": ROLE,
        "invoke": INVOKE,
        "control": CONTROL,
        "workspace": WORKSPACE,
        "command": COMMAND,
        "monitoring": MONITORING,
    }.items()
    for mistake in mistakes
}


@pytest.fixture(scope="module")
def given() -> Iterator[Given]:
    given = Given()
    given.make_all()
    groups = given.agent.action_groups
    yield given
    # Once for all mistakes: JSII takes long to read them.
    assert given.agent.action_groups == groups, "a mistake left an action group behind"


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_and_leaves_nothing_behind(given: Given, mistake: Mistake) -> None:
    before = len(given.app.node.find_all())
    with pytest.raises(mistake.error, match=mistake.message) as caught:
        mistake.make(given)
    assert type(caught.value) is mistake.error
    assert "\n" not in str(caught.value)
    assert len(given.app.node.find_all()) == before


class Meant(NamedTuple):
    name: str
    make: Callable[[Given], Any]
    means: Callable[[Given], Any]


MEANT = [
    Meant("the function of the invoke function and no alarm actions", lambda on: on.monitor(function=on.invoke, alarm_actions=None), Given.monitor),
    Meant("no lists and no removal policy", lambda on: on.interpret(certificates=None, filesystems=None, removal_policy=None), Given.interpret),
    Meant("a tuple and another mapping", lambda on: on.interpret(certificates=(on.secret,), tags=MappingProxyType({"a": "b"})), lambda on: on.interpret(certificates=[on.secret], tags={"a": "b"})),
    Meant("the default times and memory and no settings", lambda on: on.call(session_timeout=None, timeout=None, memory_size=None, vpc=None, tracing=None, function_name=None, security_groups=None), Given.call),
    Meant("the default prefix", lambda on: on.keep(prefix=None, versioned=None), Given.keep),
    Meant("the default interval", lambda on: on.command(poll_interval=None), Given.command),
]  # fmt: skip


@pytest.mark.parametrize("meant", MEANT, ids=[meant.name for meant in MEANT])
def test_what_is_plainly_meant_is_accepted(meant: Meant) -> None:
    assert template(meant.make) == template(meant.means)


@cache
def template(make: Callable[[Given], Any]) -> Any:
    given = Given()
    made = make(given)
    if isinstance(made, sfn.StateMachineFragment):
        sfn.StateMachine(
            given.stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(made)
        )
    return Template.from_stack(given.stack).to_json()


# found at synthesis, because the app can still mend them until then


def trusting(service: str) -> Callable[[Given], iam.Role]:
    return lambda on: iam.Role(on.stack, "Own", assumed_by=iam.ServicePrincipal(service))


LATE: dict[str, tuple[Callable[[Given], Any], str]] = {
    "no code interpreter": (
        lambda on: on.execute_as(),
        r"no code interpreter uses this execution role.*pass it as",
    ),
    "the function's role": (
        lambda on: on.interpret(execution_role=trusting("lambda.amazonaws.com")(on)),
        r"execution_role is role 'Test/Own', which bedrock-agentcore\.amazonaws\.com may not "
        r"assume; define it with assumed_by=iam\.ServicePrincipal",
    ),
    "the sandboxes' role": (
        lambda on: on.call(role=trusting("bedrock-agentcore.amazonaws.com")(on)),
        r"role is role 'Test/Own', which lambda\.amazonaws\.com may not assume; define it with",
    ),
    "the control function's role": (
        lambda on: on.control_with(role=trusting("ec2.amazonaws.com")(on)),
        r"role is role 'Test/Own', which lambda\.amazonaws\.com may not assume",
    ),
    "a tag of the stack": (
        lambda on: Tags.of(on.interpreter).add("team", "a,b"),
        r"value 'a,b' of tag 'team' is not allowed",
    ),
}


@pytest.mark.parametrize("name", LATE)
def test_other_mistakes_are_told_at_synthesis(name: str) -> None:
    make, message = LATE[name]
    given = Given()
    make(given)
    with pytest.raises(RuntimeError, match=message):
        given.app.synth()


@pytest.mark.parametrize(
    "principal",
    [
        lambda stack: iam.ServicePrincipal("bedrock-agentcore.amazonaws.com"),
        lambda stack: iam.CompositePrincipal(
            iam.ServicePrincipal("lambda.amazonaws.com"),
            iam.ServicePrincipal("bedrock-agentcore.amazonaws.com"),
        ),
        lambda stack: iam.ServicePrincipal(CfnParameter(stack, "Service").value_as_string),
        lambda stack: iam.AnyPrincipal(),
    ],
)
def test_a_role_that_may_trust_the_service_is_accepted(
    principal: Callable[[Stack], iam.IPrincipal],
) -> None:
    given = Given()
    role = iam.Role(given.stack, "Own", assumed_by=principal(given.stack))
    given.interpret(execution_role=role)
    given.app.synth()


def test_a_role_can_learn_to_trust_until_the_synthesis() -> None:
    given = Given()
    role = trusting("lambda.amazonaws.com")(given)
    given.interpret(execution_role=role)
    assert role.assume_role_policy is not None
    role.assume_role_policy.add_statements(
        iam.PolicyStatement(
            actions=["sts:AssumeRole"],
            principals=[iam.ServicePrincipal("bedrock-agentcore.amazonaws.com")],
        )
    )
    given.app.synth()
