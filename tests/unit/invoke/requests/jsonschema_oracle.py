"""Values for the tools' schemas, and `jsonschema` as the oracle of their validation."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
from hypothesis import strategies as st

from code_interpreter_invoke.errors import InvalidRequestError
from code_interpreter_invoke.requests.tools import TOOLS, Schema
from code_interpreter_invoke.requests.validation import type_names, validate

TEXT = st.text(max_size=6)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1000) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def nearly(schema: Schema) -> st.SearchStrategy[Any]:
    """Generate values that a schema allows, and values with a mistake anywhere in them."""
    right = allowed(schema)
    return st.one_of(right, right, ANYTHING)


def allowed(schema: Schema) -> st.SearchStrategy[Any]:
    return st.one_of([allowed_of(schema, name) for name in type_names(schema)])


def allowed_of(schema: Schema, name: str) -> st.SearchStrategy[Any]:
    match name:
        case "string":
            return st.sampled_from(schema["enum"]) if "enum" in schema else TEXT
        case "integer":
            limits = schema.get("minimum", 0) - 1, schema.get("maximum", 10**6) + 1
            return st.integers(*limits) | st.booleans()
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(nearly(schema["items"]), max_size=3)
    members = {name: nearly(member) for name, member in schema.get("properties", {}).items()}
    required = {name: members.pop(name) for name in schema.get("required", ())}
    right = st.fixed_dictionaries(required, optional=members)
    others = schema["additionalProperties"]
    more = st.dictionaries(TEXT, nearly(others) if others else ANYTHING, max_size=2)
    return right | st.builds(lambda known, unknown: {**unknown, **known}, right, more)


def without_nulls(value: Any) -> Any:
    """Leave out the members that are null: the function takes them for members not given."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def has_null_beside_the_schema(schema: Schema, value: Any) -> bool:
    """Tell whether a member that the schema does not know is null."""
    if isinstance(value, list):
        items = schema.get("items", {})
        return any(has_null_beside_the_schema(items, item) for item in value)
    if not isinstance(value, dict):
        return False
    if schema.get("additionalProperties"):
        return False
    members = schema.get("properties", {})
    return any(
        name not in members
        if member is None
        else has_null_beside_the_schema(members.get(name, {}), member)
        for name, member in value.items()
    )


@cache
def arguments(tool: str) -> st.SearchStrategy[dict[str, Any]]:
    """Generate arguments of a tool, right and wrong ones."""
    return nearly(TOOLS[tool].input_schema).filter(lambda drawn: isinstance(drawn, dict))


def check_against_jsonschema(tool: str, value: dict[str, Any]) -> None:
    """Check that `validate` accepts arguments if and only if `jsonschema` does."""
    schema = TOOLS[tool].input_schema
    oracle = jsonschema.Draft202012Validator(schema)
    # A float such as 1.0 is an integer for JSON Schema, and none for the service.
    is_valid = (
        oracle.is_valid(without_nulls(value))
        and not has_float_for_integer(schema, value)
        and not has_null_beside_the_schema(schema, value)
    )
    try:
        validate(schema, value, tool)
    except InvalidRequestError as refused:
        assert not is_valid, refused.message
        assert "\n" not in refused.message
    else:
        assert is_valid


def has_float_for_integer(schema: Schema, value: Any) -> bool:
    if isinstance(value, float):
        return schema.get("type") == "integer"
    if isinstance(value, list):
        return any(has_float_for_integer(schema.get("items", {}), item) for item in value)
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return any(has_float_for_integer(members.get(n, {}), v) for n, v in value.items())
    return False
