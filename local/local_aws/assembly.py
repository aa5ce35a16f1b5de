"""Deploy a cloud assembly as `cdk deploy` does, in a second and without the CLI.

Of the bootstrap stack, only the buckets and the version parameter that templates refer to are
created.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError, WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# A stack whose creation failed cannot be updated: the CDK CLI deletes it and creates another one.
FAILED_CREATIONS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
# Ten minutes: a stack that takes longer is stuck.
WAITER_CONFIG = {"Delay": 0.05, "MaxAttempts": 12_000}


class DeploymentError(Exception):
    """A stack could not be created, updated or deleted; the message has its events' reasons."""


class Environment(NamedTuple):
    """The account and the region of a stack."""

    account: str
    region: str

    @classmethod
    def parse(cls, text: str, default: Environment) -> Environment:
        """Return the environment `aws://account/region`, of which the app may leave parts open."""
        account, region = text.removeprefix("aws://").split("/")
        return cls(
            default.account if account == "unknown-account" else account,
            default.region if region == "unknown-region" else region,
        )

    def resolve(self, name: str) -> str:
        """Replace the placeholders of an app that leaves its account or region open."""
        return name.replace("${AWS::AccountId}", self.account).replace(
            "${AWS::Region}", self.region
        )


@dataclass(frozen=True)
class StackArtifact:
    """One stack as the cloud assembly describes it, with its files and their manifests."""

    name: str
    template: Path
    template_asset: str | None
    asset_manifests: list[Path]
    environment: Environment
    tags: dict[str, str]
    parameters: dict[str, str]
    bootstrap_parameter: str | None
    bootstrap_version: int


class Assembly:
    """The cloud assembly in `directory`, on a local AWS.

    `default` is the environment of stacks that do not name their own. `client` returns a boto3
    client for a service, an account and a region.
    """

    def __init__(
        self, directory: Path, default: Environment, client: Callable[[str, str, str], Any]
    ) -> None:
        self._directory = directory
        self._default = default
        self._client = cache(client)  # botocore takes long to make a client

    def deploy(self) -> dict[str, dict[str, str]]:
        """Create or update every stack, and return each stack's outputs by its name."""
        stacks = read_stacks(self._directory, self._default)
        return {stack.name: self._deploy(stack) for stack in stacks}

    def destroy(self) -> None:
        """Delete the stacks in reverse order."""
        for stack in reversed(list(read_stacks(self._directory, self._default))):
            delete_stack(self._client("cloudformation", *stack.environment), stack.name)

    def _deploy(self, stack: StackArtifact) -> dict[str, str]:
        self._publish_assets(stack)
        if stack.bootstrap_parameter is not None:
            self._put_bootstrap_version(stack)
        cloudformation = self._client("cloudformation", *stack.environment)
        request = {
            "StackName": stack.name,
            **template_location(stack),
            "Capabilities": CAPABILITIES,
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in stack.parameters.items()
            ],
        }
        status = stack_status(cloudformation, stack.name)
        if status in FAILED_CREATIONS:
            delete_stack(cloudformation, stack.name)
            status = None
        if status is not None:
            try:
                cloudformation.update_stack(**request)
            except ClientError as error:
                if "No updates" not in str(error):
                    raise
            else:
                wait_for_stack(cloudformation, "stack_update_complete", stack.name)
        else:
            cloudformation.create_stack(**request)
            wait_for_stack(cloudformation, "stack_create_complete", stack.name)
        [description] = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        outputs = description.get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def _put_bootstrap_version(self, stack: StackArtifact) -> None:
        ssm = self._client("ssm", *stack.environment)
        with contextlib.suppress(ssm.exceptions.ParameterAlreadyExists):
            ssm.put_parameter(
                Name=stack.bootstrap_parameter, Value=str(stack.bootstrap_version), Type="String"
            )

    def _publish_assets(self, stack: StackArtifact) -> None:
        for manifest in stack.asset_manifests:
            for asset in json.loads(manifest.read_text())["files"].values():
                source = manifest.parent / asset["source"]["path"]
                content = (
                    zip_directory(source)
                    if asset["source"]["packaging"] == "zip"
                    else source.read_bytes()
                )
                for destination in asset["destinations"].values():
                    region = destination.get("region", stack.environment.region)
                    self._put(stack.environment._replace(region=region), destination, content)

    def _put(self, where: Environment, destination: dict[str, str], content: bytes) -> None:
        bucket = where.resolve(destination["bucketName"])
        s3 = self._client("s3", *where)
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket, **bucket_location_options(where.region))
        s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=content)


def read_stacks(directory: Path, default: Environment) -> Iterator[StackArtifact]:
    """Yield the stacks of an assembly and of its stages, each after the stacks it depends on."""
    artifacts = json.loads((directory / "manifest.json").read_text())["artifacts"]
    dependencies = {name: artifact.get("dependencies", []) for name, artifact in artifacts.items()}
    for name in TopologicalSorter(dependencies).static_order():
        properties = artifacts[name].get("properties", {})
        match artifacts[name]["type"]:
            case "cdk:cloud-assembly":
                yield from read_stacks(directory / properties["directoryName"], default)
            case "aws:cloudformation:stack":
                yield StackArtifact(
                    name=properties.get("stackName", name),
                    template=directory / properties["templateFile"],
                    template_asset=properties.get("stackTemplateAssetObjectUrl"),
                    asset_manifests=[
                        directory / artifacts[dependency]["properties"]["file"]
                        for dependency in dependencies[name]
                        if artifacts[dependency]["type"] == "cdk:asset-manifest"
                    ],
                    environment=Environment.parse(artifacts[name]["environment"], default),
                    tags=properties.get("tags", {}),
                    parameters=properties.get("parameters", {}),
                    bootstrap_parameter=properties.get("bootstrapStackVersionSsmParameter"),
                    bootstrap_version=properties.get("requiresBootstrapStackVersion", 0),
                )


def template_location(stack: StackArtifact) -> dict[str, str]:
    """Name the published template: CloudFormation accepts 51,200 bytes in the request."""
    if stack.template_asset is None:
        return {"TemplateBody": stack.template.read_text()}
    location = stack.environment.resolve(stack.template_asset).removeprefix("s3://")
    return {"TemplateURL": f"https://s3.{stack.environment.region}.amazonaws.com/{location}"}


def bucket_location_options(region: str) -> dict[str, Any]:
    """Return the options that S3 requires for a bucket outside us-east-1."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def zip_directory(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            archive.write(path, path.relative_to(directory))
    return buffer.getvalue()


def stack_status(cloudformation: Any, stack_name: str) -> str | None:
    """Return the status of a stack, or None if there is no such stack."""
    try:
        [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError:
        return None
    return str(stack["StackStatus"])


def delete_stack(cloudformation: Any, stack_name: str) -> None:
    cloudformation.delete_stack(StackName=stack_name)
    wait_for_stack(cloudformation, "stack_delete_complete", stack_name)


def wait_for_stack(cloudformation: Any, state: str, stack_name: str) -> None:
    try:
        cloudformation.get_waiter(state).wait(StackName=stack_name, WaiterConfig=WAITER_CONFIG)
    except WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
        reasons = [
            f"{resource_name(event)}: {event['ResourceStatusReason']}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("FAILED") and event.get("ResourceStatusReason")
        ]
        message = f"stack {stack_name}: {'; '.join(reasons) or error}"
        raise DeploymentError(message) from None


def resource_name(event: dict[str, Any]) -> str:
    """Return the resource's logical id, with the physical id of one that could not be deleted."""
    name: str = event["LogicalResourceId"]
    is_left = event["ResourceStatus"] == "DELETE_FAILED"
    return f"{name} ({event['PhysicalResourceId']})" if is_left else name
