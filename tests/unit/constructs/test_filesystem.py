from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import CodeInterpreter, ExecutionRole, Filesystem, Network

from .templates import only, statements

FILE_SYSTEM = "arn:aws:s3files:us-east-1:123456789012:file-system/fs-01234567890123456"
ACCESS_POINT = f"{FILE_SYSTEM}/access-point/fsap-01234567890123456"


@pytest.fixture
def vpc(stack: Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Vpc")


@pytest.fixture
def access_point(stack: Stack, vpc: ec2.Vpc) -> efs.AccessPoint:
    return efs.FileSystem(stack, "Efs", vpc=vpc).add_access_point("Data")


def build(stack: Stack, vpc: ec2.Vpc, *filesystems: Filesystem) -> CodeInterpreter:
    return CodeInterpreter(
        stack,
        "Interpreter",
        network=Network.vpc(vpc),
        execution_role=ExecutionRole(stack, "Role"),
        filesystems=filesystems,
    )


def s3_files(path: str = "/mnt/bucket", **properties: Any) -> Filesystem:
    return Filesystem.s3_files(
        file_system_arn=FILE_SYSTEM, access_point_arn=ACCESS_POINT, mount_path=path, **properties
    )


def test_both_kinds_reach_the_custom_resource(
    stack: Stack, vpc: ec2.Vpc, access_point: efs.AccessPoint
) -> None:
    build(stack, vpc, Filesystem.efs(access_point, mount_path="/mnt/data"), s3_files())
    assert only(stack, "Custom::CodeInterpreter")["FilesystemConfigurations"] == [
        {
            "EfsConfiguration": {
                "AccessPointArn": stack.resolve(access_point.access_point_arn),
                "FileSystemArn": stack.resolve(access_point.file_system.file_system_arn),
                "MountPath": "/mnt/data",
            }
        },
        {
            "S3FilesConfiguration": {
                "AccessPointArn": ACCESS_POINT,
                "FileSystemArn": FILE_SYSTEM,
                "MountPath": "/mnt/bucket",
            }
        },
    ]


def test_the_role_may_mount_efs_through_this_access_point_only(
    stack: Stack, vpc: ec2.Vpc, access_point: efs.AccessPoint
) -> None:
    build(stack, vpc, Filesystem.efs(access_point, mount_path="/mnt/data"))
    [statement] = statements(stack, of="InterpreterFilesystemPolicy")[
        "elasticfilesystem:ClientMount"
    ]
    assert statement == {
        "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        "Effect": "Allow",
        "Resource": stack.resolve(access_point.file_system.file_system_arn),
        "Condition": {
            "StringEquals": {
                "elasticfilesystem:AccessPointArn": stack.resolve(access_point.access_point_arn)
            }
        },
    }


def test_the_role_may_mount_s3_files_through_this_access_point_only(
    stack: Stack, vpc: ec2.Vpc
) -> None:
    build(stack, vpc, s3_files())
    found = statements(stack, of="InterpreterFilesystemPolicy")
    [statement] = found["s3files:ClientMount"]
    assert statement == {
        "Action": ["s3files:ClientMount", "s3files:ClientWrite"],
        "Effect": "Allow",
        "Resource": FILE_SYSTEM,
        "Condition": {"StringEquals": {"s3files:AccessPointArn": ACCESS_POINT}},
    }
    assert found["s3files:GetAccessPoint"][0]["Resource"] == ACCESS_POINT


@pytest.mark.parametrize(
    "action", ["elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeMountTargets"]
)
def test_the_role_may_describe_the_mount_of_efs(
    stack: Stack, vpc: ec2.Vpc, access_point: efs.AccessPoint, action: str
) -> None:
    """The service reads both when it validates the role."""
    build(stack, vpc, Filesystem.efs(access_point, mount_path="/mnt/data"))
    [statement] = statements(stack, of="InterpreterFilesystemPolicy")[action]
    assert statement["Resource"] == [
        stack.resolve(access_point.file_system.file_system_arn),
        stack.resolve(access_point.access_point_arn),
    ]
    # These actions have no condition key for the access point.
    assert "Condition" not in statement


def test_the_role_may_list_the_mount_targets_of_s3_files(stack: Stack, vpc: ec2.Vpc) -> None:
    build(stack, vpc, s3_files())
    [statement] = statements(stack, of="InterpreterFilesystemPolicy")["s3files:ListMountTargets"]
    assert statement["Resource"] == FILE_SYSTEM
    assert "Condition" not in statement


def test_the_code_interpreter_is_created_after_the_mount_targets(
    stack: Stack, vpc: ec2.Vpc, access_point: efs.AccessPoint
) -> None:
    build(stack, vpc, Filesystem.efs(access_point, mount_path="/mnt/data"))
    template = Template.from_stack(stack)
    targets = template.find_resources("AWS::EFS::MountTarget")
    [interpreter] = template.find_resources("Custom::CodeInterpreter").values()
    assert targets.keys() <= {*interpreter["DependsOn"]}


def test_a_file_system_of_another_stack_is_created_before(app: App, stack: Stack) -> None:
    other = Stack(app, "Other")
    vpc = ec2.Vpc(other, "Vpc")
    point = efs.FileSystem(other, "Efs", vpc=vpc).add_access_point("Data")
    build(stack, vpc, Filesystem.efs(point, mount_path="/mnt/data"))
    app.synth()
    assert stack.dependencies == [other]


def test_an_imported_file_system_has_no_mount_targets_to_wait_for(
    stack: Stack, vpc: ec2.Vpc
) -> None:
    imported = efs.FileSystem.from_file_system_attributes(
        stack,
        "Efs",
        file_system_id="fs-01234567",
        security_group=ec2.SecurityGroup(stack, "MountTargets", vpc=vpc),
    )
    point = efs.AccessPoint.from_access_point_attributes(
        stack, "Point", access_point_id="fsap-01234567", file_system=imported
    )
    build(stack, vpc, Filesystem.efs(point, mount_path="/mnt/data"))
    Template.from_stack(stack).resource_count_is("AWS::EFS::MountTarget", 0)


def test_the_code_interpreter_is_created_after_the_policy_of_the_role(
    stack: Stack, vpc: ec2.Vpc
) -> None:
    interpreter = build(stack, vpc, s3_files())
    assert interpreter.filesystem_policy is not None
    definition = interpreter.filesystem_policy.node.default_child
    assert isinstance(definition, iam.CfnPolicy)
    policy = stack.resolve(definition.logical_id)
    Template.from_stack(stack).has_resource("Custom::CodeInterpreter", {"DependsOn": [policy]})


def test_nfs_is_let_out_and_in(stack: Stack, vpc: ec2.Vpc, access_point: efs.AccessPoint) -> None:
    group = ec2.SecurityGroup(stack, "MountTargets", vpc=vpc)
    build(
        stack,
        vpc,
        Filesystem.efs(access_point, mount_path="/mnt/data"),
        s3_files(security_group=group),
    )
    template = Template.from_stack(stack)
    nfs = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
    for direction in ("Ingress", "Egress"):
        resource_type = f"AWS::EC2::SecurityGroup{direction}"
        template.resource_properties_count_is(resource_type, Match.object_like(nfs), 2)


def test_fails_without_a_role(stack: Stack, vpc: ec2.Vpc) -> None:
    with pytest.raises(ValueError, match=r"no execution role to mount.*pass execution_role="):
        CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc), filesystems=[s3_files()])


def test_fails_outside_a_vpc(stack: Stack) -> None:
    role = ExecutionRole(stack, "Role")
    with pytest.raises(ValueError, match=r"not in a VPC.*pass network=Network\.vpc"):
        CodeInterpreter(stack, "Interpreter", execution_role=role, filesystems=[s3_files()])


@pytest.mark.parametrize(
    "path",
    ["", "/", "/mnt", "/mnt/", "/mnt/a/b", "/data", "mnt/a", "/mnt/a b", "/mnt/" + "x" * 196],
)
def test_fails_on_a_mount_path_that_the_api_does_not_take(
    stack: Stack, vpc: ec2.Vpc, path: str
) -> None:
    with pytest.raises(ValueError, match=r"mount_path is '.*/mnt/ and one name.*change it"):
        build(stack, vpc, s3_files(path))


def test_fails_on_two_at_the_same_place(stack: Stack, vpc: ec2.Vpc) -> None:
    with pytest.raises(ValueError, match=r"2 filesystems have mount_path '/mnt/a'.*its own"):
        build(stack, vpc, s3_files("/mnt/a"), s3_files("/mnt/a/"))


def test_fails_on_too_many_of_a_kind(stack: Stack, vpc: ec2.Vpc) -> None:
    with pytest.raises(ValueError, match=r"3 of Amazon S3 Files.*at most 2 of each.*remove some"):
        build(stack, vpc, *(s3_files(f"/mnt/{letter}") for letter in "abc"))
