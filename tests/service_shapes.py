"""Compare a value with its shape in a service's published model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

SESSION = botocore.session.Session()


def input_shape(service: str, operation: str, *path: str) -> Any:
    """Return the shape of a member of an operation's input; `*` stands for a list's members."""
    shape: Any = SESSION.get_service_model(service).operation_model(operation).input_shape
    for name in path:
        shape = shape.member if name == "*" else shape.members[name]
    return shape


def check_against_shape(value: Any, shape: Any) -> None:
    """Check types, required members, lengths, patterns and allowed values."""
    report = ParamValidator().validate(value, shape)
    assert not report.has_errors(), report.generate_report()
    for text_shape, text in strings(shape, value):
        limits = text_shape.metadata
        assert limits.get("min", 0) <= len(text) <= limits.get("max", 10**9), text
        assert not text_shape.enum or text in text_shape.enum
        assert "pattern" not in limits or re.fullmatch(limits["pattern"], text), text


def strings(shape: Any, value: Any) -> Iterator[tuple[Any, str]]:
    """Yield every string of a value with its shape, map keys included."""
    if isinstance(value, str):
        yield shape, value
    elif isinstance(value, list):
        for item in value:
            yield from strings(shape.member, item)
    elif isinstance(value, dict) and shape.type_name == "map":
        for key, item in value.items():
            yield shape.key, key
            yield from strings(shape.value, item)
    elif isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        for key, item in value.items():
            yield from strings(shape.members[key], item)


# Maps from names of the user's, which keep their spelling, to values.
MAPS_OF_NAMES = ("Properties", "Parameters")


def api_spelling(value: Any) -> Any:
    """Return CloudFormation's properties, which begin with capitals, as the API spells them."""
    if isinstance(value, list):
        return [api_spelling(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        f"{key[0].lower()}{key[1:]}": (
            {name: api_spelling(member) for name, member in item.items()}
            if key in MAPS_OF_NAMES
            else api_spelling(item)
        )
        for key, item in value.items()
    }
