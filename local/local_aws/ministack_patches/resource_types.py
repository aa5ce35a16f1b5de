"""Add resource types to MiniStack's CloudFormation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

from local_aws.ministack_patches.requirements import MiniStackChangedError, require

Properties = dict[str, Any]
# A resource's physical id, and its attributes.
Created = tuple[str, dict[str, Any]]
# By action: create, update and delete.
Handlers = dict[str, Callable[..., Any]]
# The status, headers and body of an action of a service.
ServiceResponse = tuple[int, dict[str, str], bytes]


def add_types(types: Mapping[str, Handlers]) -> None:
    """Add types with their handlers.

    :raises MiniStackChangedError: if MiniStack has one of them itself.
    """
    require(provisioners, ["_RESOURCE_HANDLERS"])
    known = provisioners._RESOURCE_HANDLERS.keys() & types.keys()
    if known:
        raise MiniStackChangedError(f"MiniStack has {', '.join(sorted(known))} itself")
    provisioners._RESOURCE_HANDLERS.update(types)


def raise_if_refused(response: ServiceResponse) -> None:
    """Raise the response's body, which becomes the reason in the stack's events."""
    status, _, body = response
    if status >= 400:
        raise ValueError(body.decode())
