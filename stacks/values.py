"""Parsers for the values of CDK context.

Values of `cdk.json` have JSON's types, and values of the command line (`--context`) are text. So
lists and objects can be JSON text, too, and lists and tags can be text with commas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

NAMESPACE = "code-interpreter:"

Parser = Callable[[str, Any], Any]


class SettingsError(Exception):
    """A setting cannot be used. The message names its key, its value and the allowed values."""


def full_key(key: str) -> str:
    """Return the key as `cdk.json` has it, in quotes."""
    return f"'{NAMESPACE}{key}'"


def wrong(key: str, value: Any, allowed: str) -> SettingsError:
    """Return the error for a value that is not allowed."""
    return SettingsError(
        f"context key {full_key(key)} is {value!r}, but it must be {allowed}; change it in "
        "cdk.json or on the command line (--context)"
    )


def text(allowed: str, pattern: str) -> Parser:
    """Return a parser for text that matches a pattern; `allowed` describes it in messages."""

    def parse(key: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.DOTALL):
            raise wrong(key, value, allowed)
        return value

    return parse


def choice(*choices: str) -> Parser:
    """Return a parser for one of several texts."""

    def parse(key: str, value: Any) -> str:
        if value not in choices:
            raise wrong(key, value, f"one of {', '.join(choices)}")
        return cast(str, value)

    return parse


def on_or_off(key: str, value: Any) -> bool:
    """Parse a boolean or its text."""
    meaning = {"true": True, "false": False}.get(str(value).lower())
    if meaning is None:
        raise wrong(key, value, "true or false")
    return meaning


def whole_number(lowest: int, highest: int) -> Parser:
    """Return a parser for a whole number or its digits."""

    def parse(key: str, value: Any) -> int:
        number = isinstance(value, int) and not isinstance(value, bool)
        digits = str(value) if number or isinstance(value, str) else ""
        if not re.fullmatch("[0-9]{1,9}", digits) or not lowest <= int(digits) <= highest:
            raise wrong(key, value, f"a whole number from {lowest} to {highest}")
        return int(digits)

    return parse


def number_among(*numbers: int) -> Parser:
    """Return a parser for one of several whole numbers or its digits."""
    parse_number = whole_number(min(numbers), max(numbers))

    def parse(key: str, value: Any) -> int:
        try:
            number: int = parse_number(key, value)
        except SettingsError:
            number = -1
        if number not in numbers:
            raise wrong(key, value, f"one of {', '.join(map(str, numbers))}")
        return number

    return parse


def text_map(key: str, value: Any) -> dict[str, str]:
    """Parse an object of texts, or text like `team=data,stage=test`."""
    pairs = value
    if isinstance(value, str) and not value.startswith("{"):
        parts = [part.strip().partition("=") for part in value.split(",")]
        pairs = {name: content for name, equals, content in parts if name and equals}
        if len(pairs) < len(parts):
            pairs = None
    pairs = _from_json(pairs)
    if not isinstance(pairs, Mapping) or not all(
        isinstance(item, str) for pair in pairs.items() for item in pair
    ):
        raise wrong(key, value, "an object of texts, or text like 'team=data,stage=test'")
    return dict(pairs)


def list_of(allowed: str, pattern: str, *, max_items: int) -> Parser:
    """Return a parser for a list of texts that match a pattern."""

    def parse(key: str, value: Any) -> tuple[str, ...]:
        items = value
        if isinstance(value, str) and not value.startswith("["):
            items = [item.strip() for item in value.split(",")]
        items = _from_json(items)
        if (
            not isinstance(items, list)
            or not 1 <= len(items) <= max_items
            or not all(isinstance(item, str) and re.fullmatch(pattern, item) for item in items)
            or len(set(items)) < len(items)
        ):
            raise wrong(key, value, f"a list of 1 to {max_items} {allowed}, none of them twice")
        return tuple(items)

    return parse


def list_of_objects(
    parse_item: Callable[[str, Mapping[str, Any]], Any], *, max_items: int
) -> Parser:
    """Return a parser for a list of objects, each of which `parse_item` parses."""

    def parse(key: str, value: Any) -> tuple[Any, ...]:
        items = _from_json(value)
        if (
            not isinstance(items, list)
            or not 1 <= len(items) <= max_items
            or not all(isinstance(item, Mapping) for item in items)
        ):
            raise wrong(key, value, f"a list of 1 to {max_items} objects")
        return tuple(parse_item(key, item) for item in items)

    return parse


def _from_json(value: Any) -> Any:
    """Return the value of JSON text; return every other value unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # no JSON, or nested too deeply for any setting
        return value
