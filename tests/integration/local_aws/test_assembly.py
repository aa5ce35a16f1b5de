"""Each stack of a cloud assembly is deployed into the account and region that its app names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnOutput, Environment, Stack, Stage
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sns as sns

from local_aws import DeploymentError

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from local_aws import LocalAws

OUTER, INNER = "210000000001", "210000000002"


class TopicStack(Stack):
    """A topic, and an asset that the stack's account must hold."""

    def __init__(self, scope: Construct, name: str, **options: Any) -> None:
        super().__init__(scope, name, **options)
        asset = assets.Asset(self, "Asset", path=__file__)
        CfnOutput(self, "TopicArn", value=sns.Topic(self, "Topic").topic_arn)
        CfnOutput(self, "Bucket", value=asset.s3_bucket_name)
        CfnOutput(self, "Key", value=asset.s3_object_key)


def test_stacks_of_a_stage_and_of_several_accounts(
    local_aws: LocalAws, account: str, tmp_path: Path
) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    TopicStack(app, "Open")
    TopicStack(app, "Outer", env=Environment(account=OUTER, region="eu-west-1"))
    TopicStack(app, "Region", env=Environment(region="eu-central-1"))
    stage = Stage(app, "Stage", env=Environment(account=INNER, region="us-west-2"))
    TopicStack(stage, "Inner")
    expected = {
        "Open": (account, "us-east-1"),
        "Outer": (OUTER, "eu-west-1"),
        "Region": (account, "eu-central-1"),
        "Stage-Inner": (INNER, "us-west-2"),
    }

    directory = app.synth().directory
    outputs = local_aws.deploy(directory, account=account)
    assert outputs.keys() == expected.keys()
    for name, (own_account, region) in expected.items():
        topic = outputs[name]["TopicArn"]
        assert topic.split(":")[3:5] == [region, own_account]
        sns_client = local_aws.client("sns", own_account, region)
        assert [found["TopicArn"] for found in sns_client.list_topics()["Topics"]] == [topic]
        bucket, key = outputs[name]["Bucket"], outputs[name]["Key"]
        assert local_aws.client("s3", own_account, region).head_object(Bucket=bucket, Key=key)

    local_aws.destroy(directory, account=account)
    for own_account, region in expected.values():
        assert local_aws.client("sns", own_account, region).list_topics()["Topics"] == []


def write_assembly(directory: Path, resource: dict[str, Any]) -> None:
    """Write the cloud assembly of a stack with one resource."""
    template = {"Resources": {"Only": resource}, "Outputs": {"Id": {"Value": {"Ref": "Only"}}}}
    (directory / "template.json").write_text(json.dumps(template))
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "template.json"},
    }
    (directory / "manifest.json").write_text(json.dumps({"artifacts": {"Mended": stack}}))


def test_a_stack_whose_creation_failed_is_created_anew(
    local_aws: LocalAws, account: str, tmp_path: Path
) -> None:
    rule = {"GroupId": "sg-none", "IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}
    write_assembly(tmp_path, {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule})
    for _ in range(2):
        with pytest.raises(DeploymentError, match="'sg-none' does not exist"):
            local_aws.deploy(tmp_path, account=account)
    write_assembly(tmp_path, {"Type": "AWS::SNS::Topic"})
    outputs = local_aws.deploy(tmp_path, account=account)
    topics = local_aws.client("sns", account).list_topics()["Topics"]
    assert [topic["TopicArn"] for topic in topics] == [outputs["Mended"]["Id"]]
