"""Code interpreters that another stack, another tool or AWS defines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_cdk import Arn, ArnFormat, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ..code_interpreter_base import CodeInterpreterBase
from ..limits import CODE_INTERPRETER_ID_PATTERN

AWS_MANAGED_ID = "aws.codeinterpreter.v1"

_ARN = re.compile(
    "arn:[a-z-]+:bedrock-agentcore:[a-z0-9-]+:"
    "([0-9]{12}|aws):code-interpreter(-custom)?/"
    f"({CODE_INTERPRETER_ID_PATTERN}|{re.escape(AWS_MANAGED_ID)})"
)


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


def check_id(code_interpreter_id: str) -> None:
    if Token.is_unresolved(code_interpreter_id):
        return
    if not re.fullmatch(CODE_INTERPRETER_ID_PATTERN, code_interpreter_id):
        remedy = "use from_arn()" if code_interpreter_id.startswith("arn:") else "change it"
        raise ValueError(
            f"code_interpreter_id is {code_interpreter_id!r}, but the id of a code interpreter is "
            "its name, a hyphen and ten letters and digits, like 'mine-0123456789'; the output "
            f"CodeInterpreterId of a deployed stack has it; {remedy}"
        )


def check_arn(arn: str) -> None:
    if not Token.is_unresolved(arn) and not _ARN.fullmatch(arn):
        raise ValueError(
            f"code_interpreter_arn is {arn!r}, but the ARN of a code interpreter is like "
            "'arn:aws:bedrock-agentcore:<region>:<account>:code-interpreter-custom/<id>'; "
            "change it, or use from_id()"
        )
