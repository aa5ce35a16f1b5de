"""The owner of a resource. Owners never see each other's resources."""

from __future__ import annotations

from typing import NamedTuple

SYSTEM_INTERPRETER_ID = "aws.codeinterpreter.v1"


class Owner(NamedTuple):
    """An account in a region."""

    account: str
    region: str

    def interpreter_arn(self, interpreter_id: str) -> str:
        """Return the ARN of a custom code interpreter, or of the interpreter that AWS owns.

        In IAM's service authorization reference the latter has a resource type of its own and
        the literal account `aws`.
        """
        prefix = f"arn:{partition_of(self.region)}:bedrock-agentcore:{self.region}"
        if interpreter_id == SYSTEM_INTERPRETER_ID:
            return f"{prefix}:aws:code-interpreter/{interpreter_id}"
        return f"{prefix}:{self.account}:code-interpreter-custom/{interpreter_id}"


def partition_of(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
