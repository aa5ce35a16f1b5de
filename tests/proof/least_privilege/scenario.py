"""Deploy every stack, use it, update it and destroy it, and record the access decisions."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from local_aws import LocalAws
from local_aws.assembly import DeploymentError
from tests.e2e.deploy.deployment import Deployment, synthesise

from . import stacks
from .access import Policies, Request, frozen, is_service
from .deployed import Stacks
from .unrecorded import unrecorded_requests

# Calls of the invoke function that together need each of its permissions.
CALLS: list[dict[str, Any]] = [
    {"tool": "start_session"},
    {"tool": "get_session"},
    {"tool": "workspace_write", "path": "uploads/in.txt", "content": "6 7"},
    {
        "tool": "execute_code",
        "code": "open('out.txt', 'w').write(open('in.txt').read())",
        "output_filename": "out.txt",
        "idempotency_key": "once",
    },
    {"tool": "workspace_list", "path": "code-interpreter"},
    {"tool": "workspace_read", "path": "code-interpreter/out.txt"},
    {"tool": "list_sessions"},
]
DELETION = {"tool": "workspace_delete", "path": "code-interpreter/out.txt"}
DATA = "data-of-users"
USE_OF_ROLE = f"""\
import boto3
s3 = boto3.client("s3")
s3.list_objects_v2(Bucket="{DATA}", Prefix="shared/")
print(s3.get_object(Bucket="{DATA}", Key="shared/in.csv")["Body"].read().decode())
"""
STOP = {"tool": "stop_session"}
RENAMED = "Renamed"


class Recording:
    """The policies of all stacks, and the requests that they have to allow.

    :ivar decisions: The number of recorded decisions about roles and resources of the stacks.
    :ivar denied: The recorded decisions that denied such a request.
    """

    def __init__(self, stack_of_role: Mapping[str, str], policies: Policies) -> None:
        self.stack_of_role = stack_of_role
        self.policies = policies
        self.requests: dict[Request, None] = {}
        self.decisions = 0
        self.denied: list[str] = []

    def extend(self, other: Recording) -> None:
        """Take the policies and the requests of other stacks, too."""
        self.stack_of_role = {**self.stack_of_role, **other.stack_of_role}
        bodies = {**self.policies.bodies, **other.policies.bodies}
        self.policies = Policies(bodies.items(), self.policies.account)
        self.requests |= other.requests
        self.decisions += other.decisions
        self.denied += other.denied

    def add(self, decisions: list[Any], *, but_of: str = "") -> None:
        """Add decisions about the stacks' roles, but those about the roles of one stack."""
        for decision in decisions:
            role = role_of(decision)
            stack = self.stack_of_role.get(role, "")
            if not stack or stack == but_of or decision["action"].startswith("sts:Get"):
                continue
            self.decisions += 1
            if decision["decision"] != "Allow":
                self.denied.append(f"{role} {decision['action']} {decision['resource']}")
                continue
            principal = decision["principal"]
            request = Request(
                principal=principal if is_service(principal) else role,
                action=decision["action"],
                resource=decision["resource"],
                context=frozen(decision["context"]),
                account=stacks.ACCOUNT,
                region=decision["region"],
                source=stack,
            )
            self.requests[request] = None


def role_of(decision: Any) -> str:
    """Return the name of the role that a decision is about, or nothing."""
    principal = decision["principal"]
    if is_service(principal):
        return str(decision["resource"]).rpartition("/")[2]
    if ":assumed-role/" in principal:
        return str(principal).split("/")[1]
    return str(principal).rpartition("/")[2] if ":role/" in principal else ""


def record() -> Recording:
    """Deploy, call, update, call and destroy the stacks, by both readings of the service."""
    with LocalAws() as aws, TemporaryDirectory() as directory:
        recording = Scenario(Deployment(aws, stacks.ACCOUNT), Path(directory)).record()
    recording.extend(record_without_tags())
    return recording


def record_without_tags() -> Recording:
    """Create, update and destroy an interpreter in an AWS whose policies never see its tags.

    The developer guide calls the support of tags in policies partial. Then the statements that name
    the stack's interpreters have to do, whose requests the statements with the tag allow otherwise.
    """
    settings = {"resource_tags": "never"}
    with LocalAws(emulator_settings=settings) as aws, TemporaryDirectory() as directory:
        scenario = Scenario(Deployment(aws, stacks.ACCOUNT), Path(directory))
        return scenario.record_without_tags()


class Scenario:
    """One run through the life of all stacks."""

    def __init__(self, deployment: Deployment, directory: Path) -> None:
        self._deployment = deployment
        self._directory = directory
        ec2 = deployment.client("ec2")
        vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.9.0.0/24")["Subnet"]
        group = ec2.create_security_group(VpcId=vpc_id, GroupName="nfs", Description="nfs")
        secrets = deployment.client("secretsmanager")
        pem = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
        secrets.create_secret(Name="certificate", SecretString=pem)
        key = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
        secret = secrets.create_secret(Name="known", SecretString=pem, KmsKeyId=key)
        s3 = deployment.client("s3")
        s3.create_bucket(Bucket=DATA)
        s3.put_object(Bucket=DATA, Key="shared/in.csv", Body=b"6 7")
        self._existing = stacks.Existing(
            vpc_id=vpc_id,
            subnet_id=subnet["SubnetId"],
            group_id=group["GroupId"],
            secret_arn=secret["ARN"],
            key_arn=key,
            bucket_name=DATA,
        )
        self._seen = 0

    def record(self) -> Recording:
        self._deploy(stacks.Version(1), "first")
        self._start_sessions()
        created = self._new_decisions()
        self._fail(stacks.Version(2, fails=True))
        rolled_back = self._new_decisions()
        second = self._synthesise(stacks.Version(2), "second")
        self._deploy_without(second, "Consumer")
        names = [path.name.split(".")[0] for path in sorted(second.glob("*.template.json"))]
        deployed = Stacks(self._deployment, names)
        # The function still has the id of the predecessor, and reads that of the replacement.
        self._call(deployed.outputs("Consumer"), CALLS)
        self._deployment.aws.deploy(second, stacks.ACCOUNT)
        deployed = Stacks(self._deployment, names)
        recording = Recording(deployed.stack_of_role, deployed.policies())
        self._use(deployed)
        for request in unrecorded_requests(deployed):
            recording.requests[request] = None
        # Only the second version's policy has the new name.
        recording.add(created, but_of=RENAMED)
        recording.add(rolled_back)
        self._start_sessions()
        recording.add(self._new_decisions())
        self._deployment.aws.destroy(second, stacks.ACCOUNT)
        recording.add(self._new_decisions())
        return recording

    def record_without_tags(self) -> Recording:
        for version in (1, 2):
            directory = self._directory / str(version)
            define = partial(stacks.define_without_tags, version=stacks.Version(version))
            synthesise(define, directory)
            self._deployment.aws.deploy(directory, stacks.ACCOUNT)
        deployed = Stacks(self._deployment, ["WithoutTags"])
        recording = Recording(deployed.stack_of_role, deployed.policies())
        for request in unrecorded_requests(deployed):
            recording.requests[request] = None
        self._start_sessions()
        self._deployment.aws.destroy(directory, stacks.ACCOUNT)
        recording.add(self._new_decisions())
        return recording

    def _synthesise(self, version: stacks.Version, name: str) -> Path:
        directory = self._directory / name
        synthesise(lambda app: stacks.define(app, version, self._existing), directory)
        stacks.remove_absent_types(str(directory))
        return directory

    def _deploy(self, version: stacks.Version, name: str) -> None:
        self._deployment.aws.deploy(self._synthesise(version, name), stacks.ACCOUNT)

    def _fail(self, version: stacks.Version) -> None:
        """Let the update of the renamed interpreter fail, so that its predecessor is restored."""
        directory = self._synthesise(version, "failing")
        keep_only(directory, RENAMED)
        with contextlib.suppress(DeploymentError):
            self._deployment.aws.deploy(directory, stacks.ACCOUNT)

    def _deploy_without(self, directory: Path, name: str) -> None:
        copy = self._directory / "without"
        shutil.copytree(directory, copy)
        remove(copy, name)
        self._deployment.aws.deploy(copy, stacks.ACCOUNT)

    def _start_sessions(self) -> None:
        """Leave a session in each interpreter, which its deletion has to stop."""
        for interpreter in self._deployment.code_interpreters():
            self._deployment.start_session(interpreter)

    def _use(self, deployed: Stacks) -> None:
        """Call every function, and do what users do with the roles that the stacks grant."""
        for name in deployed.names:
            outputs = (
                deployed.outputs(name) if deployed.of_type(name, "AWS::Lambda::Function") else {}
            )
            if "FunctionName" in outputs:
                self._call(outputs, CALLS)
                if name != "States":
                    self._call(outputs, [DELETION])
                self._call(outputs, [STOP])
        self._invoke(deployed.outputs("Upkeep"), {"schedule": "upkeep"})
        self._call(
            deployed.outputs("OwnPolicies"), [{"tool": "execute_code", "code": USE_OF_ROLE}, STOP]
        )
        consumer = deployed.of_type("Consumer", "AWS::IAM::Role")
        roles = {one["LogicalResourceId"][:4]: one["PhysicalResourceId"] for one in consumer}
        self._invoke_as(deployed, "Consumer", roles["Call"])
        self._read_as(roles["Read"])
        self._use_as(roles["User"], deployed.outputs("Consumer")["Bucket"])

    def _call(self, outputs: dict[str, str], events: list[dict[str, Any]]) -> None:
        for event in events:
            result = self._invoke(outputs, {"session": "proof", **event})
            if result.get("status") != "ok":
                raise AssertionError(f"{outputs['FunctionName']} {event}: {result}")

    def _invoke(self, outputs: dict[str, str], event: dict[str, Any]) -> dict[str, Any]:
        response = self._deployment.client("lambda").invoke(
            FunctionName=outputs["FunctionName"], Payload=json.dumps(event)
        )
        result: dict[str, Any] = json.load(response["Payload"])
        assert "FunctionError" not in response, result
        return result

    def _invoke_as(self, deployed: Stacks, stack: str, role: str) -> None:
        function = deployed.outputs(stack)["FunctionName"]
        payload = json.dumps({"tool": "describe_tools"})
        self._client(role, "lambda").invoke(FunctionName=function, Payload=payload)

    def _read_as(self, role: str) -> None:
        interpreter = self._interpreter("ProducerInterpreter")
        with started_session(self._deployment, interpreter) as session:
            control = self._client(role, "bedrock-agentcore-control")
            control.get_code_interpreter(codeInterpreterId=interpreter)
            data = self._client(role, "bedrock-agentcore")
            data.get_code_interpreter_session(
                codeInterpreterIdentifier=interpreter, sessionId=session
            )
            data.list_code_interpreter_sessions(codeInterpreterIdentifier=interpreter)

    def _use_as(self, role: str, bucket: str) -> None:
        interpreter = self._interpreter("ProducerInterpreter")
        data = self._client(role, "bedrock-agentcore")
        session = data.start_code_interpreter_session(codeInterpreterIdentifier=interpreter)
        which = {
            "codeInterpreterIdentifier": interpreter,
            "sessionId": session["sessionId"],
        }
        data.invoke_code_interpreter(**which, name="executeCommand", arguments={"command": "true"})
        data.stop_code_interpreter_session(**which)
        s3 = self._client(role, "s3")
        for key in ("workspace/proof/uploads/users.txt", "sessions/workspace/users.json"):
            s3.put_object(Bucket=bucket, Key=key, Body=io.BytesIO(b"1"))
            s3.get_object(Bucket=bucket, Key=key)
            s3.list_objects_v2(Bucket=bucket, Prefix=key.rpartition("/")[0] + "/")
        s3.delete_object(Bucket=bucket, Key="workspace/proof/uploads/users.txt")

    def _interpreter(self, part: str) -> str:
        [found] = [one for one in self._deployment.code_interpreters() if one.startswith(part)]
        return found

    def _client(self, role: str, service: str) -> Any:
        arn = f"arn:aws:iam::{stacks.ACCOUNT}:role/{role}"
        assumed = self._deployment.client("sts").assume_role(RoleArn=arn, RoleSessionName="proof")
        credentials = assumed["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self._deployment.aws.endpoint,
            region_name=stacks.REGION,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )

    def _new_decisions(self) -> list[Any]:
        decisions = self._deployment.aws.access_decisions()
        new, self._seen = decisions[self._seen :], len(decisions)
        return list(new)


@contextlib.contextmanager
def started_session(deployment: Deployment, interpreter: str) -> Iterator[str]:
    session = deployment.start_session(interpreter)
    yield session
    deployment.client("bedrock-agentcore").stop_code_interpreter_session(
        codeInterpreterIdentifier=interpreter, sessionId=session
    )


def keep_only(directory: Path, name: str) -> None:
    """Leave all stacks but one out of an assembly, as `cdk deploy <name>` does."""
    change_artifacts(directory, lambda stack: stack == name)


def remove(directory: Path, name: str) -> None:
    """Leave one stack out of an assembly."""
    change_artifacts(directory, lambda stack: stack != name)


def change_artifacts(directory: Path, keeps: Any) -> None:
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    for name, artifact in list(manifest["artifacts"].items()):
        if artifact["type"] == "aws:cloudformation:stack" and not keeps(name):
            del manifest["artifacts"][name]
    path.write_text(json.dumps(manifest))
