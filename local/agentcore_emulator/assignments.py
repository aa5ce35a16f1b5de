"""Settings as text: `NAME=JSON`, as `--set` takes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.settings import EmulatorSettings

TEXTS = tuple[str, ...]


def assign(settings: EmulatorSettings, assignments: Iterable[str]) -> EmulatorSettings:
    """Return the settings with other values, for the emulator itself and for its sandboxes.

    :raises ValueError: if a setting does not exist or has a wrong value.
    """
    of_emulator = get_type_hints(EmulatorSettings)
    types = {**get_type_hints(SandboxSettings), **of_emulator}
    settable = sorted(name for name, wanted in types.items() if is_settable(wanted))
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if name not in settable:
            raise ValueError(f"--set {name}: not one of {', '.join(settable)}")
        values[name] = parse_setting(name, types[name], value)
    emulators = {name: values.pop(name) for name in of_emulator.keys() & values.keys()}
    return replace(settings, sandbox=replace(settings.sandbox, **values), **emulators)


def is_settable(wanted: Any) -> bool:
    """Return whether --set can express values of this type."""
    return wanted in (bool, int, float, str, TEXTS) or get_origin(wanted) is Literal


def parse_setting(name: str, wanted: Any, text: str) -> Any:
    """Return the value of a setting; `text` is JSON or a bare word."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if wanted is str and type(value) is not str:
        value = text  # an account id is a string of digits
    if get_origin(wanted) is Literal:
        if value not in get_args(wanted):
            raise ValueError(f"--set {name}: {value!r} is not one of {', '.join(get_args(wanted))}")
    elif wanted == TEXTS:
        if type(value) is not list or not all(type(item) is str for item in value):
            raise ValueError(f"--set {name}: {value!r} is not a list of strings")
        value = tuple(value)
    elif type(value) is not wanted and not (wanted is float and type(value) is int):
        raise ValueError(f"--set {name}: {value!r} is not a {wanted.__name__}")
    elif wanted in (int, float) and not 0 <= value < math.inf:
        raise ValueError(f"--set {name}: {value!r} is not a number from 0 up")
    return value
