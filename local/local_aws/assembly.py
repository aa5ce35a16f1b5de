"""Deploys a synthesised cloud assembly with CloudFormation's API: what `cdk deploy` does, in a
second, and without the CLI. Of the bootstrap stack it makes what templates refer to."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# A stack that takes longer than ten minutes is stuck.
POLLING = {"Delay": 0.05, "MaxAttempts": 12_000}


class DeploymentError(Exception):
    """A stack could not be created, updated or deleted; the text has its events' reasons."""


@dataclass(frozen=True)
class StackArtifact:
    """One stack as the cloud assembly describes it; `region` is None where the app left it open."""

    name: str
    template: Path
    template_asset: str | None
    region: str | None
    tags: dict[str, str]
    parameters: dict[str, str]
    bootstrap_parameter: str | None
    bootstrap_version: int


class Assembly:
    """The cloud assembly in `directory`, in one account of a local AWS.

    `client` makes a boto3 client of a service in a region.
    """

    def __init__(
        self, directory: Path, account: str, region: str, client: Callable[[str, str], Any]
    ) -> None:
        self._directory = directory
        self._account = account
        self._region = region
        self._client = client

    def deploy(self) -> dict[str, dict[str, str]]:
        """Create or update every stack; each one's outputs, by its name."""
        self._publish_assets()
        return {stack.name: self._deploy(stack) for stack in stacks(self._directory)}

    def destroy(self) -> None:
        """Delete every stack that exists, the last one first."""
        for stack in reversed(list(stacks(self._directory))):
            cloudformation = self._client("cloudformation", stack.region or self._region)
            cloudformation.delete_stack(StackName=stack.name)
            settle(cloudformation, "stack_delete_complete", stack.name)

    def _deploy(self, stack: StackArtifact) -> dict[str, str]:
        region = stack.region or self._region
        if stack.bootstrap_parameter is not None:
            self._put_bootstrap_version(stack, region)
        cloudformation = self._client("cloudformation", region)
        request = {
            "StackName": stack.name,
            **self._template(stack, region),
            "Capabilities": CAPABILITIES,
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in stack.parameters.items()
            ],
        }
        if exists(cloudformation, stack.name):
            try:
                cloudformation.update_stack(**request)
            except ClientError as error:
                if "No updates" not in str(error):
                    raise
            else:
                settle(cloudformation, "stack_update_complete", stack.name)
        else:
            cloudformation.create_stack(**request)
            settle(cloudformation, "stack_create_complete", stack.name)
        [description] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in description.get("Outputs", [])}

    def _template(self, stack: StackArtifact, region: str) -> dict[str, str]:
        """A published template is named, as CloudFormation takes no more than 51,200 bytes."""
        if stack.template_asset is None:
            return {"TemplateBody": stack.template.read_text()}
        location = self._resolve(stack.template_asset, region).removeprefix("s3://")
        return {"TemplateURL": f"https://s3.{region}.amazonaws.com/{location}"}

    def _resolve(self, name: str, region: str) -> str:
        """A name in an assembly that leaves the account or the region open."""
        return name.replace("${AWS::AccountId}", self._account).replace("${AWS::Region}", region)

    def _put_bootstrap_version(self, stack: StackArtifact, region: str) -> None:
        ssm = self._client("ssm", region)
        with contextlib.suppress(ssm.exceptions.ParameterAlreadyExists):
            ssm.put_parameter(
                Name=stack.bootstrap_parameter, Value=str(stack.bootstrap_version), Type="String"
            )

    def _publish_assets(self) -> None:
        for manifest in self._directory.rglob("*.assets.json"):
            for asset in json.loads(manifest.read_text())["files"].values():
                source = manifest.parent / asset["source"]["path"]
                content = (
                    zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
                )
                for destination in asset["destinations"].values():
                    self._put(destination, content)

    def _put(self, destination: dict[str, str], content: bytes) -> None:
        region = destination.get("region", self._region)
        bucket = self._resolve(destination["bucketName"], region)
        s3 = self._client("s3", region)
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, **bucket_location(region))
        s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=content)


def stacks(directory: Path) -> Iterator[StackArtifact]:
    """The stacks of an assembly and of the stages in it, each after those it depends on."""
    artifacts = json.loads((directory / "manifest.json").read_text())["artifacts"]
    dependencies = {name: one.get("dependencies", []) for name, one in artifacts.items()}
    for name in TopologicalSorter(dependencies).static_order():
        properties = artifacts[name].get("properties", {})
        match artifacts[name]["type"]:
            case "cdk:cloud-assembly":
                yield from stacks(directory / properties["directoryName"])
            case "aws:cloudformation:stack":
                region = artifacts[name]["environment"].rpartition("/")[2]
                yield StackArtifact(
                    name=properties.get("stackName", name),
                    template=directory / properties["templateFile"],
                    template_asset=properties.get("stackTemplateAssetObjectUrl"),
                    region=None if region == "unknown-region" else region,
                    tags=properties.get("tags", {}),
                    parameters=properties.get("parameters", {}),
                    bootstrap_parameter=properties.get("bootstrapStackVersionSsmParameter"),
                    bootstrap_version=properties.get("requiresBootstrapStackVersion", 0),
                )


def bucket_location(region: str) -> dict[str, Any]:
    """S3 wants a bucket's region to be named, unless it is us-east-1."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def zipped(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            archive.write(path, path.relative_to(directory))
    return buffer.getvalue()


def exists(cloudformation: Any, stack_name: str) -> bool:
    try:
        cloudformation.describe_stacks(StackName=stack_name)
    except ClientError:
        return False
    return True


def settle(cloudformation: Any, state: str, stack_name: str) -> None:
    try:
        cloudformation.get_waiter(state).wait(StackName=stack_name, WaiterConfig=POLLING)
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
        reasons = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        ]
        message = f"stack {stack_name}: {'; '.join(reasons) or error}"
        raise DeploymentError(message) from None
