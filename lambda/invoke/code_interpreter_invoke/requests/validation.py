"""Validates arguments against the part of JSON Schema that `tools.json` uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidRequestError, quote

JSON_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def validate(schema: Mapping[str, Any], value: Any, where: str) -> Any:
    """Return the value, in which a property that was not given is None.

    :raises InvalidRequestError: naming what was given, what is allowed, and the nearest of these.
    """
    name = schema["type"]
    if not has_type(value, name):
        raise InvalidRequestError(f"{where} must be {with_article(name)}, given {kind(value)}")
    if value not in schema.get("enum", [value]):
        raise InvalidRequestError(f"{where} cannot be {one_of(value, schema['enum'])}")
    if name == "integer" and value < schema.get("minimum", value):
        raise InvalidRequestError(f"{where} must be at least {schema['minimum']}, given {value}")
    if name == "integer" and value > schema.get("maximum", value):
        raise InvalidRequestError(f"{where} must be at most {schema['maximum']}, given {value}")
    if name == "array":
        items = schema["items"]
        return [validate(items, item, f"{where}[{index}]") for index, item in enumerate(value)]
    if name == "object":
        return validate_object(schema, value, where)
    if name == "string":
        check_text(where, value)
    return value


def has_type(value: Any, name: str) -> bool:
    """Tell whether a value has a JSON type; Python's booleans are integers, JSON's are not."""
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, JSON_TYPES[name])


def validate_object(
    schema: Mapping[str, Any], given: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Return a value for every property; null counts as not given."""
    properties = schema["properties"]
    for name in given:
        if name not in properties:
            raise InvalidRequestError(f"{where} has no argument {one_of(name, properties)}")
    for name in schema.get("required", ()):
        if given.get(name) is None:
            raise InvalidRequestError(f"{where} needs {name}: {properties[name]['description']}")
    return {
        name: None
        if given.get(name) is None
        else validate(property_, given[name], f"{where}: {name}")
        for name, property_ in properties.items()
    }


def check_text(where: str, value: str) -> None:
    """Refuse half of a surrogate pair, which JSON can spell and UTF-8 cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequestError(
            f"{where} has half of a surrogate pair, which is no text"
        ) from None


def with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aio' else 'a'} {name}"


def kind(value: Any) -> str:
    """Name a value's JSON type, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = (name for name, type_ in JSON_TYPES.items() if isinstance(value, type_))
    return next((with_article(name) for name in names), "a number")


def one_of(given: Any, allowed: Iterable[str]) -> str:
    """Say what was given, the nearest allowed value, and all of them."""
    import difflib  # only for an error, so that no cold start pays for it

    names = list(allowed)
    near = difflib.get_close_matches(str(given), names, n=1)
    suggestion = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{quote(given)}{suggestion}; allowed: {', '.join(names)}"
