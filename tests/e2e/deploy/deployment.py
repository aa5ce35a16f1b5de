"""Deploys synthesised stacks with CloudFormation's API: what the CDK CLI does, in a second."""

from __future__ import annotations

import functools
import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import App, CliCredentialsStackSynthesizer
from botocore.exceptions import ClientError

import app as project
from local_aws.local_aws import REGION

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

    from local_aws import LocalAws

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 120


class DeploymentFailed(Exception):
    """A stack was rolled back or could not be deleted; the text is the reasons in its events."""


def synthesise(define: Callable[[App], object], directory: Path, **context: Any) -> CloudAssembly:
    """The cloud assembly, in `directory`, of the stacks that `define` makes."""
    app = App(
        outdir=str(directory),
        context=context,
        builtin_cloud_formation_validation=False,
        # The account is not bootstrapped; it has the bucket for assets, and its root key.
        default_stack_synthesizer=CliCredentialsStackSynthesizer(),
    )
    define(app)
    return app.synth()


def synthesise_project(directory: Path, settings: Mapping[str, Any]) -> CloudAssembly:
    """The project's own app with some of its settings."""
    context = {f"code-interpreter:{key}": value for key, value in settings.items()}
    return synthesise(project.build, directory, **context)


class Deployment:
    """The stacks in one account of a local AWS."""

    def __init__(self, aws: LocalAws, account: str) -> None:
        self.aws = aws
        self.account = account
        self._cloudformation = self.client("cloudformation")
        self._s3 = self.client("s3")
        self._lambda = self.client("lambda")
        self._control = self.client("bedrock-agentcore-control")
        self._data = self.client("bedrock-agentcore")
        self._stack_names: list[str] = []
        self._assets = f"cdk-hnb659fds-assets-{account}-{REGION}"
        self._s3.create_bucket(Bucket=self._assets)

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the account."""
        return self.aws.client(service, self.account, **options)

    def deploy(self, assembly: CloudAssembly) -> None:
        """Create or update every stack, in order.

        :raises DeploymentFailed: at the first that is rolled back.
        """
        for stack in assembly.stacks:  # in the order of their dependencies
            self._upload_assets(Path(assembly.directory) / f"{stack.stack_name}.assets.json")
            parameters = {
                "StackName": stack.stack_name,
                "TemplateBody": json.dumps(stack.template),
                "Capabilities": CAPABILITIES,
                "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            }
            known = len(self.events(stack.stack_name))
            if stack.stack_name not in self._stack_names:
                self._stack_names.append(stack.stack_name)
                self._cloudformation.create_stack(**parameters)
            else:
                self._cloudformation.update_stack(**parameters)
            self._settle(stack.stack_name, ("CREATE_COMPLETE", "UPDATE_COMPLETE"), known)

    def destroy(self) -> None:
        """Delete every stack; one that was not deleted stays and can be deleted again.

        :raises DeploymentFailed: at the first that cannot be deleted.
        """
        for name in reversed(list(self._stack_names)):
            known = len(self.events(name))
            self._cloudformation.delete_stack(StackName=name)
            self._settle(name, ("DELETE_COMPLETE",), known)
            self._stack_names.remove(name)

    def status(self, stack_name: str) -> str:
        try:
            [stack] = self._cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        except ClientError:
            return "DELETE_COMPLETE"
        return str(stack["StackStatus"])

    def outputs(self, stack_name: str = "CodeInterpreter") -> dict[str, str]:
        [stack] = self._cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resources(self, stack_name: str = "CodeInterpreter") -> dict[str, str]:
        """The physical ids of the stack's resources, by logical id."""
        found = self._cloudformation.describe_stack_resources(StackName=stack_name)
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found["StackResources"]
        }

    def events(self, stack_name: str) -> list[dict[str, Any]]:
        """The stack's events, oldest first."""
        pages = self._cloudformation.get_paginator("describe_stack_events")
        try:
            found = list(pages.paginate(StackName=stack_name).search("StackEvents[]"))
        except ClientError:
            return []
        return found[::-1]

    def code_interpreters(self) -> dict[str, dict[str, Any]]:
        """The account's custom code interpreters as they are, by id."""
        pages = self._control.get_paginator("list_code_interpreters").paginate(type="CUSTOM")
        ids = [one["codeInterpreterId"] for one in pages.search("codeInterpreterSummaries[]")]
        found = {one: self._control.get_code_interpreter(codeInterpreterId=one) for one in ids}
        for one in found.values():
            del one["ResponseMetadata"]
        return found

    def only(self) -> dict[str, Any]:
        """The account's only custom code interpreter."""
        [one] = self.code_interpreters().values()
        return one

    def tags(self, arn: str) -> dict[str, str]:
        """The user's tags of a code interpreter; those of its owner are left out."""
        tags = self._control.list_tags_for_resource(resourceArn=arn)["tags"]
        return {key: value for key, value in tags.items() if ":" not in key}

    def invoke(self, **event: Any) -> dict[str, Any]:
        """One call of the invoke function."""
        answer = self._lambda.invoke(
            FunctionName=self.outputs()["InvokeFunctionName"], Payload=json.dumps(event)
        )
        result: dict[str, Any] = json.load(answer["Payload"])
        assert "FunctionError" not in answer, result
        return result

    def works(self) -> bool:
        """Whether the invoke function runs code."""
        answer = self.invoke(tool="execute_code", code="print(6 * 7)")
        return (answer["status"], answer.get("stdout")) == ("ok", "42")

    def start_session(self, interpreter_id: str | None) -> str:
        started = self._data.start_code_interpreter_session(
            codeInterpreterIdentifier=interpreter_id
        )
        return str(started["sessionId"])

    def live_sessions(self, interpreter_id: str) -> int:
        """How many of its sessions are there, though it may be gone itself."""
        with urllib.request.urlopen(f"{self.aws.endpoint}/_agentcore/state") as response:
            sessions = json.load(response)["sessions"]
        return sum(
            (one["codeInterpreterIdentifier"], one["status"]) == (interpreter_id, "READY")
            for one in sessions
        )

    def inject(self, **fault: Any) -> None:
        """A fault of the emulator, see `agentcore_emulator.testing.faults`."""
        request = urllib.request.Request(
            f"{self.aws.endpoint}/_agentcore/faults", json.dumps(fault).encode(), method="POST"
        )
        urllib.request.urlopen(request).close()

    def decisions(self, role_name: str) -> list[dict[str, str]]:
        """What was decided about the calls of functions with this role, oldest first."""
        role = f"arn:aws:sts::{self.account}:assumed-role/{role_name}/"
        with urllib.request.urlopen(f"{self.aws.endpoint}/_local_aws/decisions") as response:
            return [one for one in json.load(response) if one["principal"].startswith(role)]

    def role_of(self, function: str) -> str:
        """The name of the role of the function that has `function` in its name."""
        [role] = [
            one["Role"]
            for one in self._lambda.list_functions()["Functions"]
            if function in one["FunctionName"]
        ]
        return str(role).rpartition("/")[2]

    def granted(self, role_name: str) -> set[str]:
        """The actions that the role's own policies allow."""
        iam = self.client("iam")
        actions: set[str] = set()
        for name in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
            for statement in policy["Statement"]:
                given = statement["Action"]
                actions.update([given] if isinstance(given, str) else given)
        return actions

    def _upload_assets(self, manifest: Path) -> None:
        for asset in json.loads(manifest.read_text())["files"].values():
            source = asset["source"]
            [destination] = asset["destinations"].values()
            if source["packaging"] == "zip":
                self._s3.put_object(
                    Bucket=self._assets,
                    Key=destination["objectKey"],
                    Body=zipped(manifest.with_name(source["path"])),
                )

    def _settle(self, stack_name: str, wanted: tuple[str, ...], known: int) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (status := self.status(stack_name)).endswith("_IN_PROGRESS"):
            assert time.monotonic() < deadline, f"{stack_name} is still {status}"
            time.sleep(POLL_SECONDS)
        if status not in wanted:
            raise DeploymentFailed(
                "\n".join(
                    f"{event['LogicalResourceId']} {event['ResourceStatus']}: "
                    f"{event.get('ResourceStatusReason', '')}"
                    for event in self.events(stack_name)[known:]
                    if event["ResourceStatus"].endswith("_FAILED")
                )
                or f"{stack_name} is {status}"
            )


@functools.cache
def zipped(directory: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            archive.write(path, path.relative_to(directory))
    return buffer.getvalue()
