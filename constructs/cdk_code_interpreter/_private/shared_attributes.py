"""Attributes of a code interpreter, which a replacement changes, for its own and for other stacks.

CDK's references to another stack do not survive a replacement: CloudFormation refuses to change an
export that is in use, and CDK finds no change in a stack that reads an output. See
`docs/decisions/0011-attributes-in-parameters.md`.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from aws_cdk import CfnParameter, Stack
from constructs import Construct, IConstruct

from .late_module import LateModule
from .lazy import lazy_string

if TYPE_CHECKING:
    from aws_cdk import aws_ssm as ssm
else:
    ssm = LateModule("aws_cdk.aws_ssm")


class SharedAttributes:
    """The attributes of `owner`.

    Its own stack, with the stacks nested in it, has them as they are. Every other stack reads them
    from a parameter of Systems Manager at each of its deployments. The parameter exists only if
    another stack reads it.
    """

    def __init__(self, owner: Construct) -> None:
        self._owner = owner
        self._stacks: dict[IConstruct, Stack] = {}

    def token(self, name: str, value: str) -> str:
        """Return a token for an attribute, which becomes what the stack with the token can use."""
        # CDK resolves the token hundreds of times in each stack, and often for the same construct.
        value_for = cache(partial(self._value_for, name=name, value=value))
        return lazy_string(lambda scope: value_for(self._stack_of(scope)))

    def _stack_of(self, scope: IConstruct) -> Stack:
        if scope not in self._stacks:
            self._stacks[scope] = Stack.of(scope)
        return self._stacks[scope]

    def parameter_for(self, scope: IConstruct, name: str, value: str) -> str | None:
        """Return the name of the parameter with an attribute, or None if `scope` needs none.

        A stack of another region or account cannot read the parameter: CDK's own references, and
        its messages, apply.
        """
        if Stack.of(scope) is Stack.of(self._owner):
            return None  # the usual case, in the fewest calls into the Node process
        consumer, producer = top_level_stack(scope), top_level_stack(self._owner)
        if consumer.node.path == producer.node.path or consumer.environment != producer.environment:
            return None
        consumer.add_stack_dependency(producer)
        address = f"{producer.stack_name}/{self._owner.node.addr}"
        parameter_name = f"/cdk-code-interpreter/{address}/{name}"
        construct_id = f"{name}Parameter"
        if self._owner.node.try_find_child(construct_id) is None:
            ssm.StringParameter(
                self._owner,
                construct_id,
                parameter_name=parameter_name,
                string_value=value,
                description=f"{name} of {self._owner.node.path}, for other stacks",
            )
        return parameter_name

    def _value_for(self, scope: IConstruct, *, name: str, value: str) -> str:
        parameter_name = self.parameter_for(scope, name, value)
        if parameter_name is None:
            return value
        # A nested stack gets the value from its parent.
        consumer = top_level_stack(scope)
        construct_id = f"{name}{self._owner.node.addr}"
        parameter = consumer.node.try_find_child(construct_id)
        if parameter is None:
            parameter = CfnParameter(
                consumer,
                construct_id,
                type="AWS::SSM::Parameter::Value<String>",
                default=parameter_name,
            )
        assert isinstance(parameter, CfnParameter)
        return parameter.value_as_string


def top_level_stack(scope: IConstruct) -> Stack:
    """Return the stack of `scope`, or the outermost stack in which that is nested."""
    stack = Stack.of(scope)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack
