"""Policies of a construct's own for roles that may be anybody's."""

from __future__ import annotations

from aws_cdk import Names, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

# A policy's name has at most 128 characters; this leaves room for an id and a region.
_LONGEST_UNIQUE_NAME = 80


def new_role_policy(scope: Construct, construct_id: str) -> iam.Policy:
    """Define a policy in the stack of `scope`, to be attached to a role of whichever stack.

    A statement in the role's own policy would make the role's stack depend on what it names,
    which often depends on the role. To attach it is a matter of `role.attach_inline_policy()`,
    which leaves roles alone that must not be changed.

    Stacks can share a role, and roles are global: by its name, no stack's policy takes the place
    of another's, not even in another region.
    """
    unique = Names.unique_resource_name(scope, max_length=_LONGEST_UNIQUE_NAME)
    name = f"{unique}-{construct_id}-{Stack.of(scope).region}"
    return iam.Policy(scope, construct_id, policy_name=name)
