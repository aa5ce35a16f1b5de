"""Deploy the examples, call their functions, and look at their sandboxes."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws
    from local_aws.agentcore_client import SessionSnapshot


@dataclass(frozen=True)
class Deployed:
    """A stack in an account of its own."""

    aws: LocalAws
    account: str
    stack: str
    outputs: dict[str, str]

    @classmethod
    def deploy(cls, aws: LocalAws, account: str, assembly: Path) -> Deployed:
        [(stack, outputs)] = aws.deploy(assembly, account).items()
        return cls(aws, account, stack, outputs)

    def client(self, service: str) -> Any:
        return client_of(self.aws, self.account, service)

    def invoke(self, function: str, event: dict[str, Any], **options: str) -> dict[str, Any]:
        """Invoke the function and return its response."""
        invocation = self.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(event), **options
        )
        response: dict[str, Any] = json.load(invocation["Payload"])
        assert "FunctionError" not in invocation, response
        return response

    def physical_id(self, logical_id: str) -> str:
        """Return the physical id of the only resource with this logical id, without its hash."""
        found = self.client("cloudformation").describe_stack_resources(StackName=self.stack)
        [physical_id] = [
            resource["PhysicalResourceId"]
            for resource in found["StackResources"]
            if resource["LogicalResourceId"].rstrip("0123456789ABCDEF") == logical_id
        ]
        return str(physical_id)

    def may(self, role: str, action: str, resource: str) -> bool:
        """Return whether the role's policies allow the action."""
        [result] = self.client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{self.account}:role/{role}",
            ActionNames=[action],
            ResourceArns=[resource],
        )["EvaluationResults"]
        return bool(result["EvalDecision"] == "allowed")

    def sessions(self) -> list[SessionSnapshot]:
        """Return every session of the account, ended ones included."""
        sessions = self.aws.agentcore.state()["sessions"]
        return [session for session in sessions if session["account"] == self.account]

    def calls(self) -> list[tuple[str, str | None]]:
        """Return the operations and tools of the account's calls to AgentCore."""
        return [
            (call["operation"], call["tool"])
            for call in self.aws.agentcore.calls()
            if call["account"] == self.account
        ]


@functools.cache
def client_of(aws: LocalAws, account: str, service: str) -> Any:
    """Return a client, which is made once for the many calls."""
    return aws.client(service, account)
