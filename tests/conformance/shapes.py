"""Strict comparison of what came over the wire with botocore's output shapes.

botocore's own parser drops members it does not know and ignores missing required members, so
this module compares the raw JSON.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from botocore.model import Shape

TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "blob": str,
    "timestamp": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
}
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

# Required by the model and yet missing in recorded responses of the service.
SEEN_MISSING = frozenset(
    {("ResourceContent", "type"), ("CodeInterpreterNetworkConfiguration", "networkMode")}
)


def differences(shape: Shape, value: Any, path: str = "$") -> list[str]:
    """Return every difference between a JSON value and a shape; members in headers are ignored."""
    if not _has_type(shape, value):
        return [f"{path}: {type(value).__name__} is not {shape.type_name}"]
    if shape.type_name == "structure":
        return _structure_differences(shape, value, path)
    if shape.type_name == "list":
        return [
            found
            for index, item in enumerate(value)
            for found in differences(shape.member, item, f"{path}[{index}]")
        ]
    if shape.type_name == "map":
        return [
            found
            for key, item in value.items()
            for found in differences(shape.value, item, f"{path}.{key}")
        ]
    if shape.type_name == "timestamp" and not ISO_8601.fullmatch(value):
        return [f"{path}: {value!r} is not an ISO 8601 timestamp"]
    if shape.type_name == "blob":
        base64.b64decode(value, validate=True)
    if getattr(shape, "enum", None) and value not in shape.enum:
        return [f"{path}: {value!r} is not one of {shape.enum}"]
    return []


def _has_type(shape: Shape, value: Any) -> bool:
    if isinstance(value, bool):
        return bool(shape.type_name == "boolean")
    return isinstance(value, TYPES[shape.type_name])


def _structure_differences(shape: Shape, value: dict[str, Any], path: str) -> list[str]:
    members = {
        name: member
        for name, member in shape.members.items()
        if member.serialization.get("location") != "header"
    }
    unknown = [f"{path}.{name}: not in {shape.name}" for name in value.keys() - members.keys()]
    missing = [
        f"{path}.{name}: required by {shape.name}"
        for name in shape.required_members
        if name in members and name not in value and (shape.name, name) not in SEEN_MISSING
    ]
    return (
        unknown
        + missing
        + [
            found
            for name, item in value.items()
            if name in members
            for found in differences(members[name], item, f"{path}.{name}")
        ]
    )
