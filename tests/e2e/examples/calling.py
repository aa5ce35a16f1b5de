"""Calls to what the examples deploy, and a look at what became of their sandboxes."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws


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
        return self.aws.client(service, self.account)

    def invoke(self, function: str, event: dict[str, Any], **options: str) -> dict[str, Any]:
        """The invoke function's answer."""
        response = self.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(event), **options
        )
        answer: dict[str, Any] = json.load(response["Payload"])
        assert "FunctionError" not in response, answer
        return answer

    def physical_id(self, logical_id: str) -> str:
        """Of the only resource whose logical id begins so."""
        found = self.client("cloudformation").describe_stack_resources(StackName=self.stack)
        [physical_id] = [
            one["PhysicalResourceId"]
            for one in found["StackResources"]
            if one["LogicalResourceId"].rstrip("0123456789ABCDEF") == logical_id
        ]
        return str(physical_id)

    def may(self, role: str, action: str, resource: str) -> bool:
        """Whether the role's policies allow it."""
        [result] = self.client("iam").simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{self.account}:role/{role}",
            ActionNames=[action],
            ResourceArns=[resource],
        )["EvaluationResults"]
        return bool(result["EvalDecision"] == "allowed")

    def sessions(self) -> list[dict[str, Any]]:
        """Every session of the account, as the emulator knows it."""
        return self._emulated("state", "sessions")

    def calls(self) -> list[tuple[str, str | None]]:
        """The operations and tools that AgentCore was asked for in this account."""
        return [(one["operation"], one["tool"]) for one in self._emulated("calls", "calls")]

    def inject(self, **fault: Any) -> None:
        """A fault of the emulator, see `agentcore_emulator.testing.faults`."""
        request = urllib.request.Request(
            f"{self.aws.endpoint}/_agentcore/faults", json.dumps(fault).encode(), method="POST"
        )
        urllib.request.urlopen(request).close()

    def _emulated(self, path: str, what: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.aws.endpoint}/_agentcore/{path}") as response:
            found = json.load(response)[what]
        return [one for one in found if one["account"] == self.account]
