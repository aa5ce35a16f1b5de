"""Synthesise and deploy stacks, and read their state."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import App, CliCredentialsStackSynthesizer
from botocore.exceptions import ClientError

import app as project

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk.cx_api import CloudAssembly

    from local_aws import LocalAws
    from local_aws.local_aws import AccessDecision


def synthesise(define: Callable[[App], object], directory: Path, **context: Any) -> CloudAssembly:
    """Synthesise the stacks that `define` makes into a cloud assembly in `directory`."""
    app = App(
        outdir=str(directory),
        context=context,
        builtin_cloud_formation_validation=False,
        # The account is not bootstrapped: without its roles, the root key deploys.
        default_stack_synthesizer=CliCredentialsStackSynthesizer(),
    )
    define(app)
    return app.synth()


def synthesise_project(directory: Path, settings: Mapping[str, Any]) -> CloudAssembly:
    """Synthesise the project's own app with some of its settings."""
    context = {f"code-interpreter:{key}": value for key, value in settings.items()}
    return synthesise(project.build, directory, **context)


class Deployment:
    """The stacks in one account of a local AWS."""

    def __init__(self, aws: LocalAws, account: str) -> None:
        self.aws = aws
        self.account = account
        self.agentcore = aws.agentcore
        # A client of Lambda takes 23 ms to make, and that of Amazon EC2 50.
        self._client = functools.cache(functools.partial(aws.client, account=account))

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of the account, which is made once."""
        return self._client(service, **options)

    def deploy(self, assembly: CloudAssembly) -> None:
        """Create or update every stack of an assembly.

        :raises DeploymentError: at the first stack that is rolled back.
        """
        self._directory = assembly.directory
        self.aws.deploy(assembly.directory, self.account)

    def destroy(self) -> None:
        """Delete every stack of the last assembly.

        :raises DeploymentError: at the first stack that cannot be deleted.
        """
        self.aws.destroy(self._directory, self.account)

    def status(self, stack_name: str) -> str:
        try:
            [stack] = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
        except ClientError:
            return "DELETE_COMPLETE"
        return str(stack["StackStatus"])

    def outputs(self, stack_name: str = "CodeInterpreter") -> dict[str, str]:
        [stack] = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resources(self, stack_name: str = "CodeInterpreter") -> dict[str, str]:
        """Return the physical ids of the stack's resources, by logical id."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack_name)
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in found["StackResources"]
        }

    def events(self, stack_name: str) -> list[dict[str, Any]]:
        """Return the stack's events, oldest first."""
        pages = self.client("cloudformation").get_paginator("describe_stack_events")
        try:
            found = list(pages.paginate(StackName=stack_name).search("StackEvents[]"))
        except ClientError:
            return []
        return found[::-1]

    def code_interpreters(self) -> dict[str, dict[str, Any]]:
        """Return the account's custom code interpreters, by id."""
        pages = (
            self.client("bedrock-agentcore-control")
            .get_paginator("list_code_interpreters")
            .paginate(type="CUSTOM")
        )
        ids = pages.search("codeInterpreterSummaries[].codeInterpreterId")
        found = {
            interpreter_id: self.client("bedrock-agentcore-control").get_code_interpreter(
                codeInterpreterId=interpreter_id
            )
            for interpreter_id in ids
        }
        for response in found.values():
            del response["ResponseMetadata"]
        return found

    def only(self) -> dict[str, Any]:
        """Return the account's only custom code interpreter."""
        [interpreter] = self.code_interpreters().values()
        return interpreter

    def tags(self, arn: str) -> dict[str, str]:
        """Return the user's tags of a code interpreter, without the control function's own."""
        tags = self.client("bedrock-agentcore-control").list_tags_for_resource(resourceArn=arn)[
            "tags"
        ]
        return {key: value for key, value in tags.items() if ":" not in key}

    def invoke(self, **event: Any) -> dict[str, Any]:
        """Invoke the invoke function, and return its response."""
        response = self.client("lambda").invoke(
            FunctionName=self.outputs()["InvokeFunctionName"], Payload=json.dumps(event)
        )
        result: dict[str, Any] = json.load(response["Payload"])
        assert "FunctionError" not in response, result
        return result

    def works(self) -> bool:
        """Tell whether the invoke function runs a command, which needs no kernel."""
        response = self.invoke(tool="execute_command", command="echo 42")
        return (response["status"], response.get("stdout", "").strip()) == ("ok", "42")

    def start_session(self, interpreter_id: str | None) -> str:
        started = self.client("bedrock-agentcore").start_code_interpreter_session(
            codeInterpreterIdentifier=interpreter_id
        )
        return str(started["sessionId"])

    def live_sessions(self, interpreter_id: str) -> int:
        """Return the number of READY sessions of a code interpreter, which may be deleted."""
        return sum(
            (session["codeInterpreterIdentifier"], session["status"]) == (interpreter_id, "READY")
            for session in self.agentcore.state()["sessions"]
        )

    def decisions(self, role_name: str) -> list[AccessDecision]:
        """Return the access decisions about calls of functions with this role, oldest first."""
        role = f"arn:aws:sts::{self.account}:assumed-role/{role_name}/"
        return [
            decision
            for decision in self.aws.access_decisions()
            if decision["principal"].startswith(role)
        ]

    def role_of(self, function: str) -> str:
        """Return the name of the role of the function that has `function` in its name."""
        [role] = [
            one["Role"]
            for one in self.client("lambda").list_functions()["Functions"]
            if function in one["FunctionName"]
        ]
        return str(role).rpartition("/")[2]

    def granted(self, role_name: str) -> set[str]:
        """Return the actions that the role's own policies allow."""
        iam = self.client("iam")
        actions: set[str] = set()
        for name in iam.list_role_policies(RoleName=role_name)["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
            for statement in policy["Statement"]:
                given = statement["Action"]
                actions.update([given] if isinstance(given, str) else given)
        return actions
