"""Code interpreters that another stack, another tool or AWS defines."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Arn, ArnFormat, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ..code_interpreter_base import CodeInterpreterBase


class ImportedCodeInterpreter(CodeInterpreterBase):
    """A code interpreter that exists already; its grants and metrics are those of an owned one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        arn: str,
        execution_role: iam.IRole | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> None:
        parts = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME)
        super().__init__(scope, construct_id, region=parts.region)
        self._arn = arn
        self._id = str(parts.resource_name)
        self._role = execution_role
        if security_groups:
            self._connections = ec2.Connections(security_groups=list(security_groups))

    @property
    def code_interpreter_arn(self) -> str:
        return self._arn

    @property
    def code_interpreter_id(self) -> str:
        return self._id

    @property
    def status(self) -> str | None:
        """Always None, because CloudFormation does not know it."""
        return None

    @property
    def created_at(self) -> str | None:
        """Always None, because CloudFormation does not know it."""
        return None


def check_arn(arn: str) -> None:
    if Token.is_unresolved(arn):
        return
    kinds = (":code-interpreter-custom/", ":code-interpreter/")
    if not arn.startswith("arn:") or not any(kind in arn for kind in kinds):
        raise ValueError(
            f"code_interpreter_arn is {arn!r}, but the ARN of a code interpreter is like "
            "'arn:aws:bedrock-agentcore:<region>:<account>:code-interpreter-custom/<id>'; "
            "change it, or use from_id()"
        )
