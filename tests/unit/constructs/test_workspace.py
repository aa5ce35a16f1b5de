from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import Workspace

from .everything import new_app
from .templates import only


@pytest.fixture(scope="module")
def default_stack() -> Stack:
    """Return a stack with a workspace with default settings, which tests only read."""
    stack = Stack(new_app(), "Test")
    Workspace(stack, "Workspace")
    return stack


def test_a_new_bucket_is_private_encrypted_and_kept(default_stack: Stack) -> None:
    Template.from_stack(default_stack).has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                },
                "VersioningConfiguration": Match.absent(),
            },
        },
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": 1.2}},
        {"StringEquals": {"s3:signatureversion": "AWS"}},
        {"NumericGreaterThan": {"s3:signatureAge": "900000"}},
    ],
)
def test_a_new_bucket_refuses_weak_requests(
    default_stack: Stack, condition: dict[str, Any]
) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Condition": condition,
        "Resource": Match.any_value(),
    }
    Template.from_stack(default_stack).has_resource_properties(
        "AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": Match.array_with([statement])}}
    )


def test_only_session_records_and_incomplete_uploads_expire(default_stack: Stack) -> None:
    assert lifecycle_rules(default_stack) == [
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"},
        {"ExpirationInDays": 2, "Prefix": "sessions/", "Status": "Enabled"},
    ]


def test_files_expire_when_asked(stack: Stack) -> None:
    Workspace(stack, "Workspace", prefix="a/b", expiration=Duration.days(7))
    assert {"ExpirationInDays": 7, "Prefix": "a/b/", "Status": "Enabled"} in lifecycle_rules(stack)


def test_versions_are_kept_when_asked(stack: Stack) -> None:
    Workspace(stack, "Workspace", versioned=True)
    Template.from_stack(stack).has_resource_properties(
        "AWS::S3::Bucket", {"VersioningConfiguration": {"Status": "Enabled"}}
    )
    assert {
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "Status": "Enabled",
    } in lifecycle_rules(stack)


def test_destroying_takes_the_files_along(stack: Stack) -> None:
    Workspace(stack, "Workspace", removal_policy=RemovalPolicy.DESTROY)
    template = Template.from_stack(stack)
    template.has_resource("AWS::S3::Bucket", {"DeletionPolicy": "Delete"})
    template.resource_count_is("Custom::S3AutoDeleteObjects", 1)


def test_an_existing_bucket_is_used_as_it_is(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Existing", "theirs")
    assert Workspace(stack, "Workspace", bucket=bucket, prefix="ours").bucket is bucket
    Template.from_stack(stack).resource_count_is("AWS::S3::Bucket", 0)


def test_the_grant_covers_files_and_records_and_no_more(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Existing", "theirs")
    user = iam.User(stack, "User")
    Workspace(stack, "Workspace", bucket=bucket, prefix="ours").grant_read_write(user)
    statements = only(stack, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    files, records = arn("theirs/ours/*"), arn("theirs/sessions/ours/*")
    assert statements == [
        {
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Effect": "Allow",
            "Resource": [files, records],
        },
        {
            "Action": "s3:ListBucket",
            "Effect": "Allow",
            "Resource": arn("theirs"),
            "Condition": {"StringLike": {"s3:prefix": ["ours/*", "sessions/ours/*"]}},
        },
    ]


def test_the_grant_to_delete_covers_files_and_no_records(stack: Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Existing", "theirs")
    user = iam.User(stack, "User")
    Workspace(stack, "Workspace", bucket=bucket, prefix="ours").grant_delete(user)
    assert only(stack, "AWS::IAM::Policy")["PolicyDocument"]["Statement"] == [
        {"Action": "s3:DeleteObject", "Effect": "Allow", "Resource": arn("theirs/ours/*")}
    ]


def test_the_grant_covers_the_key_of_an_encrypted_bucket(stack: Stack) -> None:
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "Existing", encryption_key=key)
    Workspace(stack, "Workspace", bucket=bucket).grant_read_write(iam.User(stack, "User"))
    assert "kms:Decrypt" in str(only(stack, "AWS::IAM::Policy"))


@pytest.mark.parametrize(
    "prefix",
    ["", "/a", "a/", "a//b", "a b", "sessions", "sessions/x", "team*", ".", "..", "a/..", "a/./b"],
)
def test_fails_on_a_prefix_that_cannot_be_used(stack: Stack, prefix: str) -> None:
    with pytest.raises(ValueError, match=f"prefix is {re.escape(repr(prefix))}.*change it"):
        Workspace(stack, "Workspace", prefix=prefix)


@pytest.mark.parametrize(
    "settings",
    [
        {"versioned": False},
        {"expiration": Duration.days(1)},
        {"removal_policy": RemovalPolicy.RETAIN},
    ],
)
def test_fails_on_settings_for_an_existing_bucket(stack: Stack, settings: dict[str, Any]) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Existing", "theirs")
    with pytest.raises(ValueError, match=f"{next(iter(settings))} cannot be given together"):
        Workspace(stack, "Workspace", bucket=bucket, **settings)


def lifecycle_rules(stack: Stack) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = only(stack, "AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    return rules


def arn(path: str) -> dict[str, Any]:
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":s3:::{path}"]]}


def test_a_bucket_that_is_kept_keeps_its_policy(default_stack: Stack) -> None:
    Template.from_stack(default_stack).has_resource(
        "AWS::S3::BucketPolicy", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    )


def test_cdks_function_may_see_that_a_bucket_is_kept_again(stack: Stack) -> None:
    """CDK gives it the permission in the bucket's policy, which is gone when it looks."""
    buckets = [
        Workspace(stack, name, removal_policy=RemovalPolicy.DESTROY).bucket for name in ("A", "B")
    ]
    template = Template.from_stack(stack)
    [role] = template.find_resources("AWS::IAM::Role").values()
    [policy] = role["Properties"]["Policies"]
    assert [
        (statement["Action"], statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
    ] == [(["s3:GetBucketTagging"], stack.resolve(bucket.bucket_arn)) for bucket in buckets]
    [log_group] = template.find_resources("AWS::Logs::LogGroup")
    template.has_resource_properties(
        "AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": {"Ref": log_group}}}
    )


def test_the_log_of_the_function_that_empties_the_bucket_takes_settings(stack: Stack) -> None:
    retention = logs.RetentionDays.ONE_DAY
    Workspace(stack, "Workspace", removal_policy=RemovalPolicy.DESTROY, log_retention=retention)
    Template.from_stack(stack).has_resource_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": 1}
    )
