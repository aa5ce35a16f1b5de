"""A code interpreter: where sandboxes for running code are started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jsii
from aws_cdk import (
    Arn,
    ArnComponents,
    CustomResource,
    ITaggableV2,
    Names,
    RemovalPolicy,
    Stack,
    TagManager,
    TagType,
)
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from ._private.certificates import check_certificates, grant_read_secret, render_certificates
from ._private.imported import ImportedCodeInterpreter, check_arn
from ._private.lazy import lazy_any
from ._private.role_policy import new_role_policy
from ._private.validation import check_description, check_name, check_tags
from .code_interpreter_base import CodeInterpreterBase, code_interpreter_arn
from .control_function import SERVICE_TIMEOUT, ControlFunction
from .execution_role import ExecutionRole
from .filesystem import Filesystem, check_filesystems
from .limits import MAX_NAME_LENGTH
from .network import Network, NetworkConfig

AWS_MANAGED_ID = "aws.codeinterpreter.v1"

# To a generated name the control function appends "_" and ten characters, so that a replacement
# never meets its predecessor's name.
_NAME_SUFFIX_PATTERN = "_" + "?" * 10
_MAX_NAME_PREFIX_LENGTH = MAX_NAME_LENGTH - len(_NAME_SUFFIX_PATTERN)


@jsii.implements(ITaggableV2)
class CodeInterpreter(CodeInterpreterBase):
    """Define an Amazon Bedrock AgentCore code interpreter.

    It is an `ICodeInterpreterCustom`, so it goes wherever CDK takes the native construct. A
    change of anything but its tags replaces it: the new one is ready before the old one goes.

    :param name: 1 to 48 letters, digits and underscores, unique in account and region. Default: a
        generated name that no replacement can collide with.
    :param description: Up to 4096 characters. Default: none.
    :param network: Default: `Network.sandbox()`.
    :param execution_role: The role whose credentials all code in every sandbox can read, such as
        an `ExecutionRole`. Default: none, so that the code has no AWS permissions.
    :param certificates: Up to 200 secrets, each holding the PEM of a root certificate for every
        sandbox to trust. Who starts sessions needs to read them: `grant_use` includes it. The
        10,240 characters that IAM allows for a role's inline policies leave an `InvokeFunction`
        room for some 60, or twice as many with `@aws-cdk/aws-iam:minimizePolicies`. Default: none.
    :param filesystems: What every sandbox finds mounted; takes a VPC and an execution role.
        Default: none.
    :param tags: In addition to those that come from the stack, the app and `Tags.of()`.
    :param control_function: What creates and deletes it, in the same stack. Default: the one that
        all code interpreters of the stack share.
    :param removal_policy: What becomes of it when it leaves the stack. Default: it is deleted,
        with the sessions that are still running.
    :ivar control_function: What creates and deletes it.
    :ivar filesystem_policy: The execution role's permission to mount the file systems, if there
        are any.
    """

    @staticmethod
    def from_arn(
        scope: Construct, construct_id: str, code_interpreter_arn: str
    ) -> agentcore.ICodeInterpreterCustom:
        """Import a code interpreter of any region and account."""
        return CodeInterpreter.from_attributes(
            scope, construct_id, code_interpreter_arn=code_interpreter_arn
        )

    @staticmethod
    def from_id(
        scope: Construct, construct_id: str, code_interpreter_id: str
    ) -> agentcore.ICodeInterpreterCustom:
        """Import a code interpreter of the stack's region and account, or the AWS-managed one."""
        if code_interpreter_id == AWS_MANAGED_ID:
            return CodeInterpreter.aws_managed(scope, construct_id)
        arn = code_interpreter_arn(scope, code_interpreter_id)
        return ImportedCodeInterpreter(scope, construct_id, arn=arn)

    @staticmethod
    def from_attributes(
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter_arn: str,
        execution_role: iam.IRole | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> agentcore.ICodeInterpreterCustom:
        """Import a code interpreter, and what is needed to grant to it and to connect with it."""
        check_arn(code_interpreter_arn)
        return ImportedCodeInterpreter(
            scope,
            construct_id,
            arn=code_interpreter_arn,
            execution_role=execution_role,
            security_groups=security_groups,
        )

    @staticmethod
    def aws_managed(scope: Construct, construct_id: str) -> agentcore.ICodeInterpreterCustom:
        """Import the code interpreter that AWS provides in the stack's region.

        It has neither a role nor internet access, and cannot be changed.
        """
        arn = Arn.format(
            ArnComponents(
                service="bedrock-agentcore",
                account="aws",
                resource="code-interpreter",
                resource_name=AWS_MANAGED_ID,
            ),
            Stack.of(scope),
        )
        return ImportedCodeInterpreter(scope, construct_id, arn=arn)

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        network: Network | None = None,
        execution_role: iam.IRole | ExecutionRole | None = None,
        certificates: Sequence[secretsmanager.ISecret] = (),
        filesystems: Sequence[Filesystem] = (),
        tags: Mapping[str, str] | None = None,
        control_function: ControlFunction | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
    ) -> None:
        if control_function is not None:
            _check_control_function(control_function, Stack.of(scope))
        if name is not None:
            check_name(name)
        if description is not None:
            check_description(description)
        check_certificates(certificates)
        check_filesystems(filesystems)
        check_tags(tags or {})
        super().__init__(scope, construct_id)
        self._role = execution_role
        self._certificates = certificates
        self._tags = TagManager(TagType.MAP, "AWS::BedrockAgentCore::CodeInterpreterCustom")
        for key, value in (tags or {}).items():
            self._tags.set_tag(key, value)
        bound = (network or Network.sandbox()).bind(self)
        self._connections = bound.connections
        self.filesystem_policy = self._new_filesystem_policy(filesystems) if filesystems else None
        self.control_function = control_function or ControlFunction.of(self)
        self._allow(bound)

        properties: dict[str, Any] = {
            "NetworkConfiguration": lazy_any(lambda: bound.configuration),
            "Tags": lazy_any(self._all_tags),
        }
        if name is None:
            prefix = Names.unique_resource_name(self, max_length=_MAX_NAME_PREFIX_LENGTH)
            properties["NamePrefix"] = prefix
            name_pattern = prefix + _NAME_SUFFIX_PATTERN
        else:
            properties["Name"] = name_pattern = name
        if isinstance(execution_role, ExecutionRole):
            execution_role.trust(self, name_pattern)
        if description is not None:
            properties["Description"] = description
        if execution_role is not None:
            properties["ExecutionRoleArn"] = execution_role.role_arn
        if certificates:
            properties["Certificates"] = render_certificates(certificates)
        if filesystems:
            properties["FilesystemConfigurations"] = [one.render() for one in filesystems]

        self._resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::CodeInterpreter",
            service_token=self.control_function.service_token,
            service_timeout=SERVICE_TIMEOUT,
            removal_policy=removal_policy,
            properties=properties,
        )
        # What CDK and its users change of a construct's own resource, they look for there.
        self.node.default_child = self._resource.node.default_child
        if self.filesystem_policy is not None:
            self._resource.node.add_dependency(self.filesystem_policy)

    @property
    def cdk_tag_manager(self) -> TagManager:
        return self._tags

    @property
    def code_interpreter_id(self) -> str:
        return self._resource.ref

    @property
    def code_interpreter_arn(self) -> str:
        return self._resource.get_att_string("CodeInterpreterArn")

    @property
    def code_interpreter_name(self) -> str:
        return self._resource.get_att_string("Name")

    @property
    def status(self) -> str:
        return self._resource.get_att_string("Status")

    @property
    def created_at(self) -> str:
        return self._resource.get_att_string("CreatedAt")

    def grant_use(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start sessions, run code in them and stop them.

        When the code interpreter is replaced, CloudFormation changes this permission before it
        tells `grantee` the new id, so a function of your own is denied the old one for these
        seconds. An `InvokeFunction` is not: its permission is replaced along.
        """
        grant = super().grant_use(grantee)
        for certificate in self._certificates:
            grant = grant.combine(grant_read_secret(certificate, grantee))
        return grant

    def _allow(self, network: NetworkConfig) -> None:
        """Give the control function the permissions that the properties call for."""
        self.control_function.allow_create(network)
        for certificate in self._certificates:
            self.control_function.allow_read_secret(certificate)
        if self._role is not None:
            self.control_function.allow_pass_role(self._role)

    def _new_filesystem_policy(self, filesystems: Sequence[Filesystem]) -> iam.Policy:
        role, connections = self._what_mounting_takes()
        policy = new_role_policy(self, "FilesystemPolicy")
        for filesystem in filesystems:
            filesystem.allow(policy, connections)
        role.attach_inline_policy(policy)
        return policy

    def _all_tags(self) -> dict[str, str] | None:
        """Return the tags of the construct and of its stacks.

        CloudFormation adds a stack's tags to native resources only.
        """
        tags: dict[str, str] = {}
        for stack in _stacks(self):
            tags |= stack.tags.tag_values()
        tags |= self._tags.tag_values()
        check_tags(tags)
        return tags or None

    def _what_mounting_takes(self) -> tuple[iam.IRole, ec2.Connections]:
        if self._role is None:
            raise ValueError(
                f"code interpreter {self.node.path!r} has filesystems, but no execution role to "
                "mount them with; pass execution_role="
            )
        if self._connections is None:
            raise ValueError(
                f"code interpreter {self.node.path!r} has filesystems, but is not in a VPC, from "
                "where alone they can be mounted; pass network=Network.vpc(...)"
            )
        return self._role, self._connections


def _stacks(scope: Construct) -> list[Stack]:
    """The stack that `scope` is in, after those in which it is nested."""
    stacks = [Stack.of(scope)]
    while (parent := stacks[0].nested_stack_parent) is not None:
        stacks.insert(0, parent)
    return stacks


def _check_control_function(control_function: ControlFunction, stack: Stack) -> None:
    its, own = Stack.of(control_function).node.path, stack.node.path
    if its != own:
        raise ValueError(
            f"control_function is in stack {its!r}, but it manages code interpreters of its "
            f"own stack only; define one in stack {own!r}, or leave it out"
        )
