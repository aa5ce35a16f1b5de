from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws_cdk.assertions import Match

if TYPE_CHECKING:
    from aws_cdk.assertions import Template

    from .conftest import Synthesise

VPC = {
    "network": "vpc",
    "vpc_id": "vpc-0123456789abcdef0",
    "subnet_ids": ["subnet-0123456789abcdef0"],
}
FILESYSTEM = {
    "file-system-arn": "arn:aws:{}:us-east-1:123456789012:file-system/fs-1",
    "access-point-arn": "arn:aws:{}:us-east-1:123456789012:access-point/fsap-1",
    "mount-path": "/mnt/data",
    "security-group-id": "sg-0123456789abcdef0",
}


def test_outputs_name_everything_a_user_needs(synthesise: Synthesise) -> None:
    assert synthesise().find_outputs("*").keys() == {
        "CodeInterpreterId",
        "CodeInterpreterArn",
        "InvokeFunctionName",
        "InvokeFunctionArn",
        "WorkspaceBucketName",
    }


def test_settings_reach_the_resources(synthesise: Synthesise) -> None:
    template = synthesise(
        name="mine",
        description="for tests",
        network="public",
        tags={"team": "data"},
        session_timeout_seconds=60,
        function_memory_mib=512,
        function_timeout_seconds=30,
        workspace_retention="destroy",
        workspace_expiration_days=7,
    )
    template.has_resource_properties(
        "Custom::CodeInterpreter",
        {
            "Name": "mine",
            "Description": "for tests",
            "NetworkConfiguration": {"NetworkMode": "PUBLIC"},
            "Tags": {"team": "data"},
        },
    )
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "code_interpreter_invoke.handler.handler",
            "MemorySize": 512,
            "Timeout": 30,
            "Environment": {"Variables": Match.object_like({"SESSION_TIMEOUT_SECONDS": "60"})},
        },
    )
    template.has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Delete",
            "Properties": {
                "LifecycleConfiguration": {
                    "Rules": Match.array_with([Match.object_like({"ExpirationInDays": 7})])
                }
            },
        },
    )


def test_there_is_no_execution_role_unless_something_asks_for_one(synthesise: Synthesise) -> None:
    template = synthesise()
    template.has_resource_properties(
        "Custom::CodeInterpreter", {"ExecutionRoleArn": Match.absent()}
    )
    template.resource_count_is("AWS::IAM::Role", 2)


def test_an_existing_execution_role_is_used(synthesise: Synthesise) -> None:
    arn = "arn:aws:iam::123456789012:role/mine"
    synthesise(execution_role_arn=arn).has_resource_properties(
        "Custom::CodeInterpreter", {"ExecutionRoleArn": arn}
    )


def test_managed_policies_make_a_role(synthesise: Synthesise) -> None:
    arn = "arn:aws:iam::123456789012:policy/mine"
    synthesise(managed_policy_arns=arn).has_resource_properties(
        "AWS::IAM::Role", {"ManagedPolicyArns": [arn]}
    )


def test_certificates_are_named(synthesise: Synthesise) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ca-AbCdEf"
    synthesise(certificate_secret_arns=arn).has_resource_properties(
        "Custom::CodeInterpreter",
        {"Certificates": [{"Location": {"SecretsManager": {"SecretArn": arn}}}]},
    )


def test_deletion_can_be_switched_off(synthesise: Synthesise) -> None:
    found = (
        json.dumps(synthesise().to_json()),
        json.dumps(synthesise(workspace_delete=False).to_json()),
    )
    assert ["s3:DeleteObject" in template for template in found] == [True, False]


def test_alarms_are_there_when_asked(synthesise: Synthesise) -> None:
    synthesise().resource_count_is("AWS::CloudWatch::Alarm", 0)
    synthesise(alarms=True).resource_count_is("AWS::CloudWatch::Dashboard", 1)


KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
FUNCTION_VPC = {
    "function_vpc_id": "vpc-0123456789abcdef1",
    "function_subnet_ids": ["subnet-0123456789abcdef2"],
}
INVOKE = {"Handler": "code_interpreter_invoke.handler.handler"}


@pytest.fixture(scope="module")
def platform(synthesise: Synthesise) -> Template:
    """Return the template with the settings that a platform team asks for, which tests read."""
    return synthesise(
        **FUNCTION_VPC,
        permissions_boundary_arn=BOUNDARY,
        managed_policy_arns="arn:aws:iam::123456789012:policy/mine",
        interpreter_retention="retain",
        function_reserved_concurrency=7,
        workspace_prefix="team/files",
        workspace_retention="destroy",
        workspace_versioning=True,
        access_log_bucket_name="logs",
        kms_key_arn=KEY,
        log_retention_days=90,
        log_group_retention="retain",
        tracing=True,
        alarms=True,
        alarm_email="ops@example.com",
        service_logs="application,usage",
    )


def test_one_key_encrypts_bucket_logs_environment_and_alarms(platform: Template) -> None:
    by_default = {"KMSMasterKeyID": KEY, "SSEAlgorithm": "aws:kms"}
    rule = Match.object_like({"ServerSideEncryptionByDefault": by_default})
    platform.has_resource_properties(
        "AWS::S3::Bucket",
        {"BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]}},
    )
    platform.all_resources_properties("AWS::Logs::LogGroup", {"KmsKeyId": KEY})
    platform.resource_properties_count_is("AWS::Lambda::Function", {"KmsKeyArn": KEY}, 2)
    platform.has_resource_properties("AWS::SNS::Topic", {"KmsMasterKeyId": KEY})
    assert may_use_key(platform)


def may_use_key(template: Template) -> bool:
    """Tell whether the invoke function may encrypt and decrypt objects."""
    statement = {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Effect": "Allow",
        "Resource": KEY,
    }
    policies = template.find_resources("AWS::IAM::Policy").values()
    return statement in [
        found
        for policy in policies
        for found in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_every_log_group_takes_the_settings_of_logs(platform: Template) -> None:
    platform.resource_count_is("AWS::Logs::LogGroup", 5)
    platform.all_resources(
        "AWS::Logs::LogGroup", {"DeletionPolicy": "Retain", "Properties": {"RetentionInDays": 90}}
    )


def test_the_workspace_has_versions_access_logs_and_a_prefix(platform: Template) -> None:
    platform.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "LoggingConfiguration": {"DestinationBucketName": "logs"},
        },
    )
    variables = Match.object_like({"WORKSPACE_PREFIX": "team/files"})
    platform.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": variables}}
    )


def test_both_functions_are_in_the_vpc_and_send_https_alone(platform: Template) -> None:
    [group] = platform.find_resources("AWS::EC2::SecurityGroup")
    platform.resource_properties_count_is(
        "AWS::Lambda::Function",
        {
            "VpcConfig": {
                "SubnetIds": FUNCTION_VPC["function_subnet_ids"],
                "SecurityGroupIds": [{"Fn::GetAtt": [group, "GroupId"]}],
            }
        },
        2,
    )
    platform.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "VpcId": FUNCTION_VPC["function_vpc_id"],
            "SecurityGroupEgress": [Match.object_like({"FromPort": 443, "ToPort": 443})],
        },
    )


def test_concurrency_is_reserved_for_the_invoke_function(platform: Template) -> None:
    for properties, number in (({}, Match.any_value()), (INVOKE, 7)):
        platform.resource_properties_count_is(
            "AWS::Lambda::Function", {**properties, "ReservedConcurrentExecutions": number}, 1
        )


def test_both_functions_are_traced(platform: Template) -> None:
    platform.resource_properties_count_is(
        "AWS::Lambda::Function", {"TracingConfig": {"Mode": "Active"}}, 2
    )


def test_every_role_has_the_permissions_boundary(platform: Template) -> None:
    platform.resource_count_is("AWS::IAM::Role", 4)
    platform.all_resources_properties("AWS::IAM::Role", {"PermissionsBoundary": BOUNDARY})


def test_alarms_notify_an_address(platform: Template) -> None:
    [topic] = platform.find_resources("AWS::SNS::Topic")
    platform.all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [{"Ref": topic}]})
    platform.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "ops@example.com"}
    )


def test_the_service_delivers_its_logs(platform: Template) -> None:
    for kind in ("APPLICATION_LOGS", "USAGE_LOGS"):
        platform.has_resource_properties("AWS::Logs::DeliverySource", {"LogType": kind})
    platform.resource_count_is("AWS::Logs::DeliverySource", 2)


def test_the_code_interpreter_can_stay(platform: Template) -> None:
    platform.has_resource("Custom::CodeInterpreter", {"DeletionPolicy": "Retain"})


def test_existing_resources_are_used(synthesise: Synthesise) -> None:
    """The functions' network is not that of the sandboxes."""
    groups = ["sg-0123456789abcdef5"]
    topic = "arn:aws:sns:us-east-1:123456789012:alarms"
    template = synthesise(
        **VPC,
        **FUNCTION_VPC,
        function_security_group_ids=groups,
        kms_key_arn=KEY,
        workspace_bucket_name="theirs",
        workspace_prefix="team/files",
        alarms=True,
        alarm_topic_arn=topic,
    )
    template.resource_properties_count_is(
        "AWS::Lambda::Function", {"VpcConfig": Match.object_like({"SecurityGroupIds": groups})}, 2
    )
    sandboxes = Match.object_like({"Subnets": VPC["subnet_ids"]})
    template.has_resource_properties(
        "Custom::CodeInterpreter",
        {"NetworkConfiguration": {"NetworkMode": "VPC", "VpcConfig": sandboxes}},
    )
    assert may_use_key(template)
    variables = Match.object_like({"WORKSPACE_PREFIX": "team/files"})
    template.has_resource_properties(
        "AWS::Lambda::Function", {"Environment": {"Variables": variables}}
    )
    template.all_resources_properties("AWS::CloudWatch::Alarm", {"AlarmActions": [topic]})
    template.resource_count_is("AWS::SNS::Topic", 0)


def test_an_existing_vpc_gets_a_group_that_lets_https_out(synthesise: Synthesise) -> None:
    template = synthesise(**VPC)
    template.has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "VpcId": VPC["vpc_id"],
            "SecurityGroupEgress": [Match.object_like({"FromPort": 443, "ToPort": 443})],
        },
    )
    template.has_resource_properties(
        "Custom::CodeInterpreter",
        {
            "NetworkConfiguration": {
                "NetworkMode": "VPC",
                "VpcConfig": Match.object_like({"Subnets": VPC["subnet_ids"]}),
            }
        },
    )


def test_existing_security_groups_are_used_as_they_are(synthesise: Synthesise) -> None:
    groups = ["sg-0123456789abcdef0"]
    template = synthesise(**VPC, security_group_ids=groups)
    template.resource_count_is("AWS::EC2::SecurityGroup", 0)
    template.resource_count_is("AWS::EC2::SecurityGroupEgress", 0)
    template.has_resource_properties(
        "Custom::CodeInterpreter",
        {"NetworkConfiguration": {"VpcConfig": {"SecurityGroups": groups}}},
    )


@pytest.mark.parametrize(
    ("kind", "service", "property_name"),
    [
        ("efs", "elasticfilesystem", "EfsConfiguration"),
        ("s3-files", "s3files", "S3FilesConfiguration"),
    ],
)
def test_file_systems_are_mounted_with_a_role_of_their_own(
    synthesise: Synthesise, kind: str, service: str, property_name: str
) -> None:
    filesystem = {key: value.format(service) for key, value in FILESYSTEM.items()}
    template = synthesise(**VPC, filesystems=[{"type": kind, **filesystem}])
    template.has_resource_properties(
        "Custom::CodeInterpreter",
        {
            "ExecutionRoleArn": Match.any_value(),
            "FilesystemConfigurations": [
                {
                    property_name: {
                        "FileSystemArn": filesystem["file-system-arn"],
                        "AccessPointArn": filesystem["access-point-arn"],
                        "MountPath": "/mnt/data",
                    }
                }
            ],
        },
    )
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {"GroupId": "sg-0123456789abcdef0", "FromPort": 2049, "ToPort": 2049},
    )


def test_an_existing_bucket_is_the_workspace(synthesise: Synthesise) -> None:
    template = synthesise(workspace_bucket_name="of-an-earlier-deployment")
    template.resource_count_is("AWS::S3::Bucket", 0)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Environment": {
                "Variables": Match.object_like({"WORKSPACE_BUCKET": "of-an-earlier-deployment"})
            }
        },
    )


@pytest.mark.parametrize("setting", [{}, {"workspace_bucket_name": "theirs"}])
def test_the_output_says_how_to_use_the_bucket_again(
    synthesise: Synthesise, setting: dict[str, str]
) -> None:
    [output] = synthesise(**setting).find_outputs("WorkspaceBucketName").values()
    assert "code-interpreter:workspace-bucket-name" in output["Description"]


def test_the_output_of_a_bucket_that_is_deleted_does_not(synthesise: Synthesise) -> None:
    template = synthesise(workspace_retention="destroy")
    [output] = template.find_outputs("WorkspaceBucketName").values()
    assert "Description" not in output
