"""What a deployment can be told through CDK context, checked before anything is defined."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

NAMESPACE = "code-interpreter:"

NetworkMode = Literal["sandbox", "public"]
Retention = Literal["retain", "destroy"]


class SettingsError(Exception):
    """A setting that cannot be used: which one, what was given, what is allowed."""


@dataclass(frozen=True)
class Settings:
    """The settings of one deployment; each is the context key `code-interpreter:<key>`."""

    name: str | None = None
    description: str | None = None
    network: NetworkMode = "sandbox"
    tags: Mapping[str, str] | None = None
    session_timeout_seconds: int = 900
    function_memory_mib: int = 256
    function_timeout_seconds: int = 900
    workspace_retention: Retention = "retain"
    workspace_expiration_days: int | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Settings:
        """Read the settings from all of an app's context; other keys are left alone.

        :raises SettingsError: on the first key or value that cannot be used.
        """
        given = {
            key.removeprefix(NAMESPACE): value
            for key, value in context.items()
            if key.startswith(NAMESPACE)
        }
        for key in given:
            if key not in _PARSERS:
                raise SettingsError(_unknown_key(key))
        return cls(
            **{key.replace("-", "_"): _PARSERS[key](key, value) for key, value in given.items()}
        )


def _unknown_key(key: str) -> str:
    near = difflib.get_close_matches(key, _PARSERS, n=1, cutoff=0)
    return (
        f"context key {NAMESPACE + key!r} is unknown; did you mean {NAMESPACE + near[0]!r}? "
        f"Allowed after {NAMESPACE!r}: {', '.join(sorted(_PARSERS))}"
    )


def _wrong(key: str, value: Any, allowed: str) -> SettingsError:
    return SettingsError(
        f"context key {NAMESPACE + key!r} is {value!r}, but it must be {allowed}; change it in "
        "cdk.json or on the command line (--context)"
    )


Parser = Callable[[str, Any], Any]


def _text(allowed: str, pattern: str) -> Parser:
    def parse(key: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.DOTALL):
            raise _wrong(key, value, allowed)
        return value

    return parse


def _choice(*choices: str) -> Parser:
    def parse(key: str, value: Any) -> str:
        if value not in choices:
            raise _wrong(key, value, f"one of {', '.join(choices)}")
        return cast(str, value)

    return parse


def _whole_number(lowest: int, highest: int) -> Parser:
    """A number, or its digits: the command line gives text only."""

    def parse(key: str, value: Any) -> int:
        digits = str(value) if isinstance(value, int | str) and value is not True else ""
        if not digits.isascii() or not digits.isdecimal() or not lowest <= int(digits) <= highest:
            raise _wrong(key, value, f"a whole number from {lowest} to {highest}")
        return int(digits)

    return parse


def _text_map(key: str, value: Any) -> dict[str, str]:
    """An object, or `name=value` pairs with commas between: the command line gives text only."""
    pairs = value
    if isinstance(value, str):
        pairs = dict(part.partition("=")[::2] for part in value.split(","))
        if "" in pairs or value.count("=") < len(pairs):
            pairs = None
    if not isinstance(pairs, Mapping) or not all(
        isinstance(item, str) for pair in pairs.items() for item in pair
    ):
        raise _wrong(key, value, "an object of texts, or text like 'team=data,stage=test'")
    return dict(pairs)


_PARSERS: dict[str, Parser] = {
    "name": _text(
        "1 to 48 letters, digits and underscores, beginning with a letter",
        r"[a-zA-Z][a-zA-Z0-9_]{0,47}",
    ),
    "description": _text("1 to 4096 characters", r".{1,4096}"),
    "network": _choice("sandbox", "public"),
    "tags": _text_map,
    "session-timeout-seconds": _whole_number(1, 28_800),
    "function-memory-mib": _whole_number(128, 10_240),
    "function-timeout-seconds": _whole_number(1, 900),
    "workspace-retention": _choice("retain", "destroy"),
    "workspace-expiration-days": _whole_number(1, 3_650),
}

if {key.replace("-", "_") for key in _PARSERS} != {field.name for field in fields(Settings)}:
    raise AssertionError("every setting has exactly one parser")
