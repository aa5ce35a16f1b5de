"""The invoke function's tools as Amazon Bedrock Agents take them."""

from __future__ import annotations

import re

from aws_cdk import Token
from aws_cdk import aws_bedrock as bedrock

from .tools import agent_functions

# The pattern of the API model. A model knows a function as `<action group>__<function>`, and of
# such names 64 characters (Bedrock user guide, "Add an action group to your agent").
_NAME = re.compile(r"([0-9a-zA-Z][_-]?)+")
_LONGEST_TOOL_NAME = 64


def add_action_group(agent: bedrock.CfnAgent, name: str, function_arn: str) -> None:
    """Let an agent have the tools whose use by a language model makes sense."""
    functions = agent_functions()
    longest = _LONGEST_TOOL_NAME - max(len(f"__{function.name}") for function in functions)
    if not Token.is_unresolved(name) and not (_NAME.fullmatch(name) and len(name) <= longest):
        raise ValueError(
            f"name is {name!r}, but an action group's must be 1 to {longest} letters and digits "
            "with single _ or - after them; change it"
        )
    present = agent.action_groups or []
    if not isinstance(present, list):
        raise ValueError(
            f"the action groups of {agent.node.path!r} are not known before the deployment; give "
            "them as a list, so that one can be added"
        )
    agent.action_groups = [
        *present,
        bedrock.CfnAgent.AgentActionGroupProperty(
            action_group_name=name,
            action_group_executor=bedrock.CfnAgent.ActionGroupExecutorProperty(
                lambda_=function_arn
            ),
            function_schema=bedrock.CfnAgent.FunctionSchemaProperty(functions=list(functions)),
        ),
    ]
