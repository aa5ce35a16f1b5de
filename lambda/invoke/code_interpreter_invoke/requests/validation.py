"""Validates values against the part of JSON Schema that `tools.json` uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidRequestError, quote

JSON_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


def validate(schema: Mapping[str, Any], value: Any, where: str) -> Any:
    """Return the value, in which a property that was left out is None.

    :param where: The value's place in the request, for the error message.
    :raises InvalidRequestError: if the schema does not allow the value.
    """
    names = type_names(schema)
    name = next((name for name in names if has_type(value, name)), None)
    if name is None:
        allowed = " or ".join(map(with_article, names))
        raise InvalidRequestError(
            f"{where} must be {allowed}, given {name_type(value)}. {describe(schema)}"
        )
    match name:
        case "object":
            return validate_object(schema, value, where)
        case "array":
            items = schema["items"]
            return [validate(items, item, f"{where}[{index}]") for index, item in enumerate(value)]
        case "integer":
            check_range(schema, value, where)
        case "string":
            check_text(schema, value, where)
    return value


def validate_object(
    schema: Mapping[str, Any], value: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Return a value for every property; null counts as left out.

    :raises InvalidRequestError: if the schema does not allow the value.
    """
    properties = schema.get("properties", {})
    # False, or the schema of all other properties.
    other_schema = schema["additionalProperties"]
    others = {name: item for name, item in value.items() if name not in properties}
    for name in others:
        if other_schema is False:
            raise InvalidRequestError(f"{where} has no argument {suggest(name, properties)}")
    for name in schema.get("required", ()):
        if value.get(name) is None:
            raise InvalidRequestError(f"{where} needs {name}. {describe(properties[name])}")
    return {
        name: None
        if value.get(name) is None
        else validate(property_schema, value[name], f"{where}: {name}")
        for name, property_schema in properties.items()
    } | {
        name: validate(other_schema, item, f"{where}[{quote(name)}]")
        for name, item in others.items()
        if item is not None
    }


def type_names(schema: Mapping[str, Any]) -> list[str]:
    """Return the names of the JSON types that a schema allows."""
    names = schema["type"]
    return [names] if isinstance(names, str) else names


def has_type(value: Any, name: str) -> bool:
    """Tell whether a value has a JSON type; Python's booleans are integers, JSON's are not."""
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, JSON_TYPES[name])


def check_range(schema: Mapping[str, Any], value: int, where: str) -> None:
    if value < schema.get("minimum", value):
        raise InvalidRequestError(f"{where} must be at least {schema['minimum']}, given {value}")
    if value > schema.get("maximum", value):
        raise InvalidRequestError(f"{where} must be at most {schema['maximum']}, given {value}")


def check_text(schema: Mapping[str, Any], value: str, where: str) -> None:
    if value not in schema.get("enum", (value,)):
        raise InvalidRequestError(f"{where} cannot be {suggest(value, schema['enum'])}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequestError(
            f"{where} contains an unpaired surrogate, which is not valid Unicode"
        ) from None


def describe(schema: Mapping[str, Any]) -> str:
    return f"Its description: {schema['description']}"


def with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aio' else 'a'} {name}"


def name_type(value: Any) -> str:
    """Name a value's JSON type, for messages."""
    if value is None:
        return "null"
    names = (with_article(name) for name in JSON_TYPES if has_type(value, name))
    return next(names, "a number")


def suggest(value: Any, allowed: Iterable[str]) -> str:
    """Say for a message what was given, the nearest allowed value, and all allowed values."""
    import difflib  # only for an error, so that no cold start pays for it

    names = list(allowed)
    nearest = difflib.get_close_matches(str(value), names, n=1)
    suggestion = f" (did you mean {nearest[0]!r}?)" if nearest else ""
    return f"{quote(value)}{suggestion}; allowed: {', '.join(names)}"
