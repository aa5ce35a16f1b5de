"""Bucket policies tell how a request is signed, and when."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from local_aws import LocalAws

Clients = Callable[..., Any]
BODY = b"content"


@pytest.fixture
def denying(local_aws: LocalAws, account: str) -> Callable[..., Callable[[str], Any]]:
    """Return a function: it takes the conditions that a bucket denies, and returns S3 clients."""

    def denying(**condition: Any) -> Callable[[str], Any]:
        root, iam = local_aws.client("s3", account), local_aws.client("iam", account)
        root.create_bucket(Bucket=f"bucket-{account}")
        root.put_object(Bucket=f"bucket-{account}", Key="key", Body=BODY)
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": f"arn:aws:s3:::bucket-{account}/*",
            "Condition": condition,
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        root.put_bucket_policy(Bucket=f"bucket-{account}", Policy=json.dumps(policy))
        iam.create_user(UserName="user")
        allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        iam.put_user_policy(
            UserName="user",
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
        )
        key = iam.create_access_key(UserName="user")["AccessKey"]

        def client(version: str) -> Any:
            return boto3.client(
                "s3",
                endpoint_url=local_aws.endpoint,
                region_name="us-east-1",
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
                config=Config(signature_version=version),
            )

        return client

    return denying


def is_presigned_read(client: Any, account: str) -> bool:
    target = {"Bucket": f"bucket-{account}", "Key": "key"}
    url = client.generate_presigned_url("get_object", Params=target, ExpiresIn=3600)
    try:
        with urllib.request.urlopen(url) as response:
            return bool(response.read() == BODY)
    except urllib.error.HTTPError as error:
        with error:
            assert error.code == 403
        return False


def is_read(client: Any, account: str) -> bool:
    try:
        response = client.get_object(Bucket=f"bucket-{account}", Key="key")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False
    return bool(response["Body"].read() == BODY)


@pytest.mark.parametrize(
    ("condition", "presigned", "signed"),
    [
        ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, False, True),
        ({"StringEquals": {"s3:authType": "REST-HEADER"}}, True, False),
        (
            {
                "StringEquals": {"s3:authType": ["REST-QUERY-STRING", "POST"]},
                "StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"},
            },
            False,
            True,
        ),
        ({"StringEquals": {"s3:signatureversion": "AWS"}}, True, True),
        ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, False, False),
        ({"NumericGreaterThan": {"s3:signatureAge": "900000"}}, True, True),
        ({"NumericLessThan": {"s3:signatureAge": "900000"}}, False, True),
    ],
)
def test_a_policy_denies_by_the_kind_of_signature(
    denying: Clients, account: str, condition: dict[str, Any], presigned: bool, signed: bool
) -> None:
    client = denying(**condition)("s3v4")
    assert is_presigned_read(client, account) is presigned
    assert is_read(client, account) is signed


def test_a_policy_denies_the_old_version_of_signatures(denying: Clients, account: str) -> None:
    client = denying(StringEquals={"s3:signatureversion": "AWS"})
    assert not is_presigned_read(client("s3"), account)
    assert is_presigned_read(client("s3v4"), account)
