"""The code interpreter, in which sessions run code in sandboxes."""

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

from ._private.arguments import check_arguments
from ._private.certificates import check_certificates, grant_read_secrets, render_certificates
from ._private.imported import AWS_MANAGED_ID, ImportedCodeInterpreter, check_arn, check_id
from ._private.lazy import lazy_any
from ._private.permissions import AGENTCORE_PRINCIPAL
from ._private.role_policy import new_role_policy
from ._private.shared_attributes import SharedAttributes
from ._private.trust import check_trust
from ._private.validation import check_description, check_name, check_removal_policy, check_tags
from .code_interpreter_base import CodeInterpreterBase, code_interpreter_arn
from .control_function import SERVICE_TIMEOUT, ControlFunction
from .execution_role import ExecutionRole
from .filesystem import Filesystem, check_filesystems
from .limits import MAX_NAME_LENGTH
from .network import Network, NetworkConfig

# The control function appends "_" and ten characters to a generated name, so that a replacement
# never collides with its predecessor.
_NAME_SUFFIX_PATTERN = "_" + "?" * 10
_MAX_NAME_PREFIX_LENGTH = MAX_NAME_LENGTH - len(_NAME_SUFFIX_PATTERN)
# An id is a name, and a suffix of the service.
_ID_SUFFIX_PATTERN = "-" + "?" * 10

_ID = "CodeInterpreterId"


@jsii.implements(ITaggableV2)
class CodeInterpreter(CodeInterpreterBase):
    """Define an Amazon Bedrock AgentCore code interpreter.

    It is an `ICodeInterpreterCustom`, so CDK accepts it wherever it accepts the native construct.
    A change of any property but the tags replaces the code interpreter: CloudFormation deletes the
    old one after the new one is ready.

    The id and the ARN change with a replacement. Another stack reads them from parameters of
    Systems Manager, at each of its deployments.

    :param name: 1 to 48 letters, digits and underscores, beginning with a letter; unique in the
        account and region. Default: a generated name, which differs for every replacement.
    :param description: 1 to 4096 characters. Default: none.
    :param network: The network mode of the sandboxes. Default: `Network.sandbox()`.
    :param execution_role: The role of the code in the sandboxes, such as an `ExecutionRole`. All
        code in every sandbox can read its credentials. Default: none, so that the code has no AWS
        permissions.
    :param certificates: Up to 200 secrets, each with the PEM of a root certificate that every
        sandbox trusts. Callers that start sessions need to read them; `grant_use()` lets them.
        Default: none.
    :param filesystems: File systems that every sandbox mounts, up to two of each kind. They need
        a network in a VPC and an execution role. Default: none.
    :param tags: Up to 47 tags, together with those of the stack, the app and `Tags.of()`.
        Default: only those.
    :param control_function: The function that creates and deletes the code interpreter, in the
        same stack. Default: the function that all code interpreters of the stack share.
    :param removal_policy: Whether CloudFormation deletes the code interpreter when it leaves the
        stack. Default: `RemovalPolicy.DESTROY`, which stops the sessions that are still running.
    :ivar certificates: The secrets with the root certificates.
    :ivar control_function: The function that creates and deletes the code interpreter.
    :ivar filesystem_policy: The policy that lets the execution role mount the file systems, or
        None if there are none.
    :raises ValueError: if a property is outside its limits, if `filesystems` has no VPC or no role,
        or if `control_function` is in another stack. Properties that are tokens are not checked.
    """

    @staticmethod
    @check_arguments
    def from_arn(
        scope: Construct, construct_id: str, code_interpreter_arn: str
    ) -> agentcore.ICodeInterpreterCustom:
        """Import a code interpreter of any region and account.

        :raises ValueError: if `code_interpreter_arn` is not the ARN of a code interpreter.
        """
        return CodeInterpreter.from_attributes(
            scope, construct_id, code_interpreter_arn=code_interpreter_arn
        )

    @staticmethod
    @check_arguments
    def from_id(
        scope: Construct, construct_id: str, code_interpreter_id: str
    ) -> agentcore.ICodeInterpreterCustom:
        """Import a code interpreter of the stack's region and account.

        :param code_interpreter_id: Such as `mine-0123456789`. `aws.codeinterpreter.v1` imports the
            code interpreter that AWS manages.
        :raises ValueError: if `code_interpreter_id` is not the id of a code interpreter.
        """
        if code_interpreter_id == AWS_MANAGED_ID:
            return CodeInterpreter.aws_managed(scope, construct_id)
        check_id(code_interpreter_id)
        arn = code_interpreter_arn(scope, code_interpreter_id)
        return ImportedCodeInterpreter(scope, construct_id, arn=arn)

    @staticmethod
    @check_arguments
    def from_attributes(
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter_arn: str,
        execution_role: iam.IRole | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> agentcore.ICodeInterpreterCustom:
        """Import a code interpreter with its role and its security groups.

        :param code_interpreter_arn: In any region and account.
        :param execution_role: The role that grants to the code interpreter go to. Default:
            unknown, so that they fail.
        :param security_groups: The security groups that `connections` changes. Default: unknown,
            so that `connections` fails.
        :raises ValueError: if `code_interpreter_arn` is not the ARN of a code interpreter.
        """
        check_arn(code_interpreter_arn)
        return ImportedCodeInterpreter(
            scope,
            construct_id,
            arn=code_interpreter_arn,
            execution_role=execution_role,
            security_groups=security_groups,
        )

    @staticmethod
    @check_arguments
    def aws_managed(scope: Construct, construct_id: str) -> agentcore.ICodeInterpreterCustom:
        """Import the code interpreter that AWS manages in the stack's region.

        It has no execution role and no internet access, and nobody can change it.
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

    @check_arguments
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
        if filesystems:
            _check_mountable(
                f"{scope.node.path}/{construct_id}",
                has_role=execution_role is not None,
                has_vpc=network is not None and network._has_vpc,
            )
        check_tags(tags or {})
        check_removal_policy(removal_policy)
        super().__init__(scope, construct_id)
        self._role = execution_role
        self.certificates = certificates
        self._tags = TagManager(TagType.MAP, "AWS::BedrockAgentCore::CodeInterpreterCustom")
        for key, value in (tags or {}).items():
            self._tags.set_tag(key, value)
        if isinstance(execution_role, iam.Role) and not isinstance(execution_role, ExecutionRole):
            check_trust(self, "execution_role", execution_role, AGENTCORE_PRINCIPAL)
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
        self.control_function.allow_manage(name_pattern)
        if isinstance(execution_role, ExecutionRole):
            execution_role.trust(self, name_pattern)
        if description is not None:
            properties["Description"] = description
        if execution_role is not None:
            properties["ExecutionRoleArn"] = execution_role.role_arn
        if certificates:
            properties["Certificates"] = render_certificates(certificates)
        if filesystems:
            properties["FilesystemConfigurations"] = [
                filesystem.render() for filesystem in filesystems
            ]

        self._resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::CodeInterpreter",
            service_token=self.control_function.service_token,
            service_timeout=SERVICE_TIMEOUT,
            removal_policy=removal_policy,
            properties=properties,
        )
        self._name_pattern = name_pattern
        self._shared = SharedAttributes(self)
        self._id = self._shared.token(_ID, self._resource.ref)
        self._arn, self._name, self._status, self._created_at = (
            self._shared.token(name, self._resource.get_att_string(name))
            for name in ("CodeInterpreterArn", "Name", "Status", "CreatedAt")
        )
        # CDK and escape hatches look for a construct's own resource in `default_child`.
        self.node.default_child = self._resource.node.default_child
        if self.filesystem_policy is not None:
            self._resource.node.add_dependency(self.filesystem_policy)
        for filesystem in filesystems:
            self._resource.node.add_dependency(*filesystem.mount_targets())

    @property
    def cdk_tag_manager(self) -> TagManager:
        """The tags of the code interpreter, which `Tags.of()` and aspects change."""
        return self._tags

    @property
    def code_interpreter_id(self) -> str:
        """The id, such as `mine-0123456789`: the name, a hyphen and ten characters."""
        return self._id

    @property
    def code_interpreter_arn(self) -> str:
        """The ARN."""
        return self._arn

    @property
    def code_interpreter_name(self) -> str:
        """The name, given or generated."""
        return self._name

    @property
    def status(self) -> str:
        """The status at the end of the last deployment that changed the code interpreter."""
        return self._status

    @property
    def created_at(self) -> str:
        """The time of creation, in ISO 8601."""
        return self._created_at

    @check_arguments
    def grant_use(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start sessions, run code in them and stop them.

        During a replacement, CloudFormation changes this permission before it gives `grantee` the
        new id. For these seconds, your own function may not use the old code interpreter. An
        `InvokeFunction` has no such gap, because CloudFormation replaces its permission, too. In
        another stack, your own function gets permission and id at that stack's next deployment.
        """
        grant = self._grant_use_without_certificates(grantee)
        for reading in grant_read_secrets(self.certificates, grantee):
            grant = grant.combine(reading)
        return grant

    def _grant_use_without_certificates(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` do what `grant_use()` does, except to read the certificates."""
        return super().grant_use(grantee)

    def _id_parameter_for(self, scope: Construct) -> str | None:
        """Return the name of the parameter with the id, if `scope` is in another stack."""
        return self._shared.parameter_for(scope, _ID, self._resource.ref)

    @property
    def _arn_pattern(self) -> str:
        """The pattern for the ARN of the code interpreter and of those that replace it."""
        return code_interpreter_arn(self, f"{self._name_pattern}{_ID_SUFFIX_PATTERN}")

    def _allow(self, network: NetworkConfig) -> None:
        """Give the control function the permissions that the properties require."""
        self.control_function.allow_create(network)
        self.control_function.allow_read_secrets(self.certificates)
        if self._role is not None:
            self.control_function.allow_pass_role(self._role)

    def _new_filesystem_policy(self, filesystems: Sequence[Filesystem]) -> iam.Policy:
        _check_mountable(self.node.path, has_role=True, has_vpc=self._connections is not None)
        policy = new_role_policy(self, "FilesystemPolicy")
        for filesystem in filesystems:
            filesystem.allow(policy, self.connections)
        self.execution_role.attach_inline_policy(policy)
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


def _check_mountable(path: str, *, has_role: bool, has_vpc: bool) -> None:
    """Check that a code interpreter with file systems can mount them."""
    if not has_role:
        raise ValueError(
            f"code interpreter {path!r} has filesystems, but no execution role to mount them with; "
            "pass execution_role="
        )
    if not has_vpc:
        raise ValueError(
            f"code interpreter {path!r} has filesystems, which can be mounted in a VPC only, but "
            "it is not in a VPC; pass network=Network.vpc(...)"
        )


def _stacks(scope: Construct) -> list[Stack]:
    """Return the stack of `scope`, after the stacks in which it is nested."""
    stacks = [Stack.of(scope)]
    while (parent := stacks[0].nested_stack_parent) is not None:
        stacks.insert(0, parent)
    return stacks


def _check_control_function(control_function: ControlFunction, stack: Stack) -> None:
    function_path, path = Stack.of(control_function).node.path, stack.node.path
    if function_path != path:
        raise ValueError(
            f"control_function is in stack {function_path!r}, but it manages code interpreters of "
            f"its own stack only; define another in stack {path!r}, or leave it out"
        )
