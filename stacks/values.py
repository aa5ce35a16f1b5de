"""Reading one value of CDK context.

In cdk.json values have JSON's types; on the command line (`--context`) they are text. Lists and
objects can therefore also be given as JSON text, and simple ones with commas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

NAMESPACE = "code-interpreter:"

Parser = Callable[[str, Any], Any]


class SettingsError(Exception):
    """A setting that cannot be used: which one, what was given, what is allowed."""


def full_key(key: str) -> str:
    return f"'{NAMESPACE}{key}'"


def wrong(key: str, value: Any, allowed: str) -> SettingsError:
    return SettingsError(
        f"context key {full_key(key)} is {value!r}, but it must be {allowed}; change it in "
        "cdk.json or on the command line (--context)"
    )


def text(allowed: str, pattern: str) -> Parser:
    def parse(key: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.DOTALL):
            raise wrong(key, value, allowed)
        return value

    return parse


def choice(*choices: str) -> Parser:
    def parse(key: str, value: Any) -> str:
        if value not in choices:
            raise wrong(key, value, f"one of {', '.join(choices)}")
        return cast(str, value)

    return parse


def on_or_off(key: str, value: Any) -> bool:
    meaning = {"true": True, "false": False}.get(str(value).lower())
    if meaning is None:
        raise wrong(key, value, "true or false")
    return meaning


def whole_number(lowest: int, highest: int) -> Parser:
    def parse(key: str, value: Any) -> int:
        number = isinstance(value, int) and not isinstance(value, bool)
        digits = str(value) if number or isinstance(value, str) else ""
        if not re.fullmatch("[0-9]+", digits) or not lowest <= int(digits) <= highest:
            raise wrong(key, value, f"a whole number from {lowest} to {highest}")
        return int(digits)

    return parse


def text_map(key: str, value: Any) -> dict[str, str]:
    given = value
    if isinstance(value, str) and not value.startswith("{"):
        parts = [part.partition("=") for part in value.split(",")]
        given = {name: content for name, equals, content in parts if name and equals}
        if len(given) < len(parts):
            given = None
    given = _from_json(given)
    if not isinstance(given, Mapping) or not all(
        isinstance(item, str) for pair in given.items() for item in pair
    ):
        raise wrong(key, value, "an object of texts, or text like 'team=data,stage=test'")
    return dict(given)


def list_of(allowed: str, pattern: str, *, most: int) -> Parser:
    def parse(key: str, value: Any) -> tuple[str, ...]:
        given = value
        if isinstance(value, str) and not value.startswith("["):
            given = value.split(",")
        given = _from_json(given)
        if (
            not isinstance(given, list)
            or not 1 <= len(given) <= most
            or not all(isinstance(item, str) and re.fullmatch(pattern, item) for item in given)
        ):
            raise wrong(key, value, f"a list of 1 to {most} {allowed}")
        return tuple(given)

    return parse


def list_of_objects(parse_item: Callable[[str, Mapping[str, Any]], Any], *, most: int) -> Parser:
    def parse(key: str, value: Any) -> tuple[Any, ...]:
        given = _from_json(value)
        if (
            not isinstance(given, list)
            or not 1 <= len(given) <= most
            or not all(isinstance(item, Mapping) for item in given)
        ):
            raise wrong(key, value, f"a list of 1 to {most} objects")
        return tuple(parse_item(key, item) for item in given)

    return parse


def _from_json(value: Any) -> Any:
    """What JSON text stands for; anything else, and any other text, stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
