"""What an argument may be, and the one clear error for everything else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .errors import InvalidRequestError
from .paths import shown

JSON_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Argument(NamedTuple):
    """One argument of a tool, or one member of an object among them."""

    name: str
    type: str
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    items: Argument | None = None
    members: tuple[Argument, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


def string(name: str, description: str = "", **details: Any) -> Argument:
    return Argument(name, "string", description, **details)


def check_members(
    where: str, members: tuple[Argument, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Every member's checked value; null counts as not given."""
    names = [member.name for member in members]
    for name in given:
        if name not in names:
            raise InvalidRequestError(f"{where} has no argument {one_of(name, names)}")
    values: dict[str, Any] = {}
    for member in members:
        value = given.get(member.name)
        if value is None and member.required:
            raise InvalidRequestError(f"{where} needs {member.name}: {member.description}")
        values[member.name] = (
            None if value is None else check_value(f"{where}: {member.name}", member, value)
        )
    return values


def check_value(where: str, argument: Argument, value: Any) -> Any:
    """The value, or InvalidRequest when its type or its value is not allowed."""
    if not has_type(value, argument.type):
        article = "an" if argument.type[0] in "aio" else "a"
        raise InvalidRequestError(f"{where} must be {article} {argument.type}, given {kind(value)}")
    if argument.allowed and value not in argument.allowed:
        raise InvalidRequestError(f"{where} cannot be {one_of(value, argument.allowed)}")
    if argument.minimum is not None and value < argument.minimum:
        raise InvalidRequestError(f"{where} must be at least {argument.minimum}, given {value}")
    if argument.maximum is not None and value > argument.maximum:
        raise InvalidRequestError(f"{where} must be at most {argument.maximum}, given {value}")
    if argument.items is not None:
        items = argument.items
        return [check_value(f"{where}[{index}]", items, item) for index, item in enumerate(value)]
    if argument.members:
        return check_members(where, argument.members, value)
    if isinstance(value, str):
        check_text(where, value)
    return value


def has_type(value: Any, name: str) -> bool:
    """Whether a value has a JSON type; Python's booleans are integers, JSON's are not."""
    return isinstance(value, JSON_TYPES[name]) and not (
        name == "integer" and isinstance(value, bool)
    )


def check_text(where: str, value: str) -> None:
    """Refuse what JSON can spell but UTF-8 cannot: half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRequestError(
            f"{where} has half of a surrogate pair, which is no text"
        ) from None


def decoded(where: str, value: str) -> bytes:
    """The bytes of a base64 text, or InvalidRequest."""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequestError(f"{where} is not base64") from None


def kind(value: Any) -> str:
    """A value's JSON type, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    for name, types in JSON_TYPES.items():
        if isinstance(value, types):
            return f"{'an' if name[0] in 'aio' else 'a'} {name}"
    return "a number"


def one_of(given: Any, allowed: Iterable[str]) -> str:
    """What was given, what is allowed, and the nearest of these."""
    import difflib  # only for an error, so that no cold start pays for it

    names = list(allowed)
    near = difflib.get_close_matches(str(given), names, n=1)
    suggestion = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{shown(given)}{suggestion}; allowed: {', '.join(names)}"
