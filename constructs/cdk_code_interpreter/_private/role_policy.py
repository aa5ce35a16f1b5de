"""Policies of the library's stack for roles of any stack."""

from __future__ import annotations

from aws_cdk import Names, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from .nag import acknowledge_inline_policy

# A policy's name has at most 128 characters, and contains an id and a region, too.
_MAX_UNIQUE_NAME_LENGTH = 80


def new_role_policy(scope: Construct, construct_id: str) -> iam.Policy:
    """Define a policy in the stack of `scope`, for a role of any stack.

    A statement in the role's own policy would make the role's stack depend on the resources that
    the statement names, which often depend on the role. Attach the policy with
    `role.attach_inline_policy()`, which ignores immutable roles.

    Stacks of several regions can share a role, because roles are global. The policy's name is
    unique among them, so that no stack overwrites the policy of another.
    """
    unique = Names.unique_resource_name(scope, max_length=_MAX_UNIQUE_NAME_LENGTH)
    name = f"{unique}-{construct_id}-{Stack.of(scope).region}"
    policy = iam.Policy(scope, construct_id, policy_name=name)
    acknowledge_inline_policy(policy, "the policy serves one role, and goes with its stack")
    return policy
