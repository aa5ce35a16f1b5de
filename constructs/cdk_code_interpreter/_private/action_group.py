"""The action group that offers the tools to an Amazon Bedrock agent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_cdk import Token

from .late_module import LateModule
from .tools import agent_functions

if TYPE_CHECKING:
    from aws_cdk import aws_bedrock as bedrock
else:
    bedrock = LateModule("aws_cdk.aws_bedrock")

# The pattern of the API model. A language model knows a function as `<action group>__<function>`,
# with up to 64 characters (Bedrock user guide, "Add an action group to your agent").
_NAME = re.compile(r"([0-9a-zA-Z][_-]?)+")
_MAX_TOOL_NAME_LENGTH = 64


def add_action_group(agent: bedrock.CfnAgent, name: str, function_arn: str) -> None:
    """Add an action group with the tools for language models to an agent."""
    functions = agent_functions()
    max_length = _MAX_TOOL_NAME_LENGTH - max(len(f"__{function.name}") for function in functions)
    if not Token.is_unresolved(name) and not (_NAME.fullmatch(name) and len(name) <= max_length):
        raise ValueError(
            f"name is {name!r}, but an action group's must be 1 to {max_length} letters and digits "
            "with single _ or - after them; change it"
        )
    existing_groups = agent.action_groups or []
    if not isinstance(existing_groups, list):
        raise ValueError(
            f"the action groups of {agent.node.path!r} are not known before the deployment; give "
            "them as a list, so that another can be added"
        )
    if any(name == _name_of(group) for group in existing_groups):
        raise ValueError(
            f"{agent.node.path!r} has an action group {name!r} already; pass another name="
        )
    agent.action_groups = [
        *existing_groups,
        bedrock.CfnAgent.AgentActionGroupProperty(
            action_group_name=name,
            action_group_executor=bedrock.CfnAgent.ActionGroupExecutorProperty(
                lambda_=function_arn
            ),
            function_schema=bedrock.CfnAgent.FunctionSchemaProperty(functions=list(functions)),
        ),
    ]


def _name_of(group: Any) -> str | None:
    """Return the name of an action group, or None if it is known only at deployment."""
    if isinstance(group, Mapping):
        return group.get("actionGroupName")
    return getattr(group, "action_group_name", None)
