"""Rules about code interpreters for cdk-nag, for the apps of anybody.

They need cdk-nag 3, which the extra `checks` installs. The packs of cdk-nag have no rule about
AgentCore.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import jsii
from aws_cdk import CfnResource, IPolicyValidationContext, PolicyValidationPluginReport, Stack
from constructs import IConstruct

from ._private.templates import Place, Templates, used_interpreter
from .limits import MAX_SESSION_SECONDS

try:
    from cdk_nag import IApplyRule, NagMessageLevel, NagPack, NagRuleCompliance
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "cdk_code_interpreter.checks needs cdk-nag 3, which is not installed; install "
        "cdk-code-interpreter[checks], or cdk-nag>=3.0.2,<4"
    ) from error

__all__ = ["CodeInterpreterChecks"]

_NATIVE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
_OURS = "Custom::CodeInterpreter"
_FUNCTION = "AWS::Lambda::Function"
# An ARN whose sixth part is an asterisk. References, in angle brackets, have colons of their own.
_ALL_OF_A_SERVICE = r"arn(:(<[^>]*>|[^:<])*){4}:\*"


@dataclass(frozen=True)
class _Rule:
    """A rule about resources of some types.

    `find` returns a text for each finding, or True for a finding without details.
    """

    name: str
    types: Sequence[str]
    info: str
    reason: str
    remedy: str
    find: Callable[[Templates, Place], Sequence[str] | bool]
    level: NagMessageLevel = NagMessageLevel.ERROR


def _public_network(templates: Templates, interpreter: Place) -> bool:
    return bool(templates.code_interpreter(interpreter).network_mode == "PUBLIC")


def _sandbox_role(templates: Templates, interpreter: Place) -> bool:
    found = templates.code_interpreter(interpreter)
    return found.network_mode == "SANDBOX" and found.has_role


def _role_wildcards(templates: Templates, interpreter: Place) -> list[str]:
    role = templates.code_interpreter(interpreter).role
    found = [f"Policy::{name}" for name in templates.aws_managed_policies(role)]
    for statement in templates.allowing_statements(role):
        found += [f"{name}::*" for name in ("NotAction", "NotResource") if name in statement]
        found += [f"Action::{action}" for action in statement.get("Action", ()) if "*" in action]
        found += [
            f"Resource::{resource}"
            for resource in statement.get("Resource", ())
            if resource == "*" or re.fullmatch(_ALL_OF_A_SERVICE, resource)
        ]
    return sorted(set(found))


def _role_workspace(templates: Templates, interpreter: Place) -> list[str]:
    role = templates.code_interpreter(interpreter).role
    return sorted({f"Resource::{found}" for found in templates.workspace_resources(role)})


def _long_session(templates: Templates, function: Place) -> bool:
    variables = templates.variables(function)
    seconds = str(variables.get("SESSION_TIMEOUT_SECONDS", ""))
    is_ours = used_interpreter(variables) is not None
    return is_ours and seconds.isdecimal() and int(seconds) >= MAX_SESSION_SECONDS


def _no_logs(templates: Templates, interpreter: Place) -> bool:
    return not templates.is_logged(interpreter)


_INTERPRETERS = (_NATIVE, _OURS)
_RULES = (
    _Rule(
        name="PublicNetwork",
        types=_INTERPRETERS,
        info="The code interpreter has the network mode PUBLIC.",
        reason="Code in a sandbox, which a prompt or a file can have written, can send all that it "
        "reads to any host on the internet.",
        remedy="Use Network.sealed() or Network.vpc(), or the mode SANDBOX, which still reaches "
        "Amazon S3.",
        find=_public_network,
    ),
    _Rule(
        name="SandboxRole",
        types=_INTERPRETERS,
        info="The code interpreter has the network mode SANDBOX and an execution role.",
        reason="All code in every sandbox can read the role's credentials from the metadata "
        "service, and the mode lets it send them out through any bucket of the region. They work "
        "everywhere.",
        remedy="Leave out the role and let a function move the files, or use a VPC and deny "
        "requests from elsewhere (aws:SourceVpce) in the role's policies.",
        find=_sandbox_role,
    ),
    _Rule(
        name="RoleWildcards",
        types=_INTERPRETERS,
        info="The execution role of the code interpreter may use all actions or all resources of a "
        "service.",
        reason="Everybody who may invoke the code interpreter has the role's permissions, and so "
        "does a prompt that makes an agent run code.",
        remedy="Name the actions and the resources that the code needs.",
        find=_role_wildcards,
    ),
    _Rule(
        name="RoleWorkspace",
        types=_INTERPRETERS,
        info="The execution role of the code interpreter may use the files of the workspace.",
        reason="All sessions share the role, so the code of each session reads and writes the "
        "files of all others.",
        remedy="Remove the grant: the invoke function moves the files of a session itself.",
        find=_role_workspace,
    ),
    _Rule(
        name="LongSessions",
        types=(_FUNCTION,),
        info="Sessions live for 8 hours, the longest time that there is.",
        reason="AWS charges a session that nobody stops until its end, up to 2 USD "
        "in 8 hours, and what an attacker leaves in it lives as long.",
        remedy="Shorten session_timeout: a session that ends is replaced, and its workspace stays.",
        find=_long_session,
        level=NagMessageLevel.WARN,
    ),
    _Rule(
        name="NoLogs",
        types=_INTERPRETERS,
        info="Nothing in the app logs the use of the code interpreter.",
        reason="CloudTrail does not record sessions and invocations unless a trail has data "
        "events, so nobody can tell who ran code.",
        remedy="Use it through an InvokeFunction, which logs each request, or define an "
        "AWS::Logs::DeliverySource of the type USAGE_LOGS for it. APPLICATION_LOGS have the code "
        "and its data.",
        find=_no_logs,
        level=NagMessageLevel.WARN,
    ),
)


class CodeInterpreterChecks(NagPack):
    """Check the code interpreters of an app, also those of the native constructs.

    ```python
    Validations.of(app).add_plugins(CodeInterpreterChecks(app, verbose=True))
    ```

    The rules are `CodeInterpreter-PublicNetwork`, `-SandboxRole`, `-RoleWildcards`,
    `-RoleWorkspace`, `-LongSessions` and `-NoLogs`. Synthesis fails on a finding, unless it is
    acknowledged with its id, such as `CodeInterpreter-RoleWildcards[Action::s3:*]`. The rules see
    roles and policies of the app, and none that it imports.

    :param scope: The app.
    :param verbose: Whether a finding says why it matters, and how to mend it. Default: no.
    """

    def __init__(self, scope: IConstruct | None = None, *, verbose: bool = False) -> None:
        super().__init__(scope, verbose=verbose)
        self._pack_name = "CodeInterpreter"
        self._templates = Templates({}, {})

    @property
    def name(self) -> str:
        """The name in CDK's validation report."""
        return "CodeInterpreterChecks"

    @jsii.member(jsii_name="validate")
    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Check the templates that CDK has written."""
        # The context leaves out those of nested stacks, which are in the same folders.
        folders = {Path(path).parent for path in context.template_paths}
        self._templates = Templates.of_assemblies(folders)
        return super().validate(context)

    def _check_resource(self, node: CfnResource) -> None:
        resource_type = node.cfn_resource_type
        for rule in _RULES:
            if resource_type in rule.types:
                # JSII calls properties; the protocol in cdk-nag's types has attributes.
                applied = cast("IApplyRule", _AppliedRule(rule, node, self._templates))
                self._apply_rule(applied)


@jsii.implements(IApplyRule)
class _AppliedRule:
    """A rule and a resource, as cdk-nag takes them."""

    def __init__(self, rule: _Rule, node: CfnResource, templates: Templates) -> None:
        self._rule = rule
        self._node = node
        self._templates = templates

    @property
    def rule_suffix_override(self) -> str:
        return self._rule.name

    @property
    def info(self) -> str:
        return self._rule.info

    @property
    def explanation(self) -> str:
        return f"{self._rule.reason} {self._rule.remedy}"

    @property
    def level(self) -> NagMessageLevel:
        return self._rule.level

    @property
    def node(self) -> CfnResource:
        return self._node

    def rule(self, node: CfnResource) -> NagRuleCompliance | list[str]:
        stack = Stack.of(node)
        place = Place(stack.template_file, str(stack.resolve(node.logical_id)))
        found = self._rule.find(self._templates, place)
        if isinstance(found, bool):
            return NagRuleCompliance.NON_COMPLIANT if found else NagRuleCompliance.COMPLIANT
        return list(found) or NagRuleCompliance.COMPLIANT
