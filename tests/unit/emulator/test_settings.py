"""Every behaviour that AWS does not document is a setting."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields

import pytest

from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.settings import EmulatorSettings
from tests.unit.emulator.undocumented import CHANGED_SETTINGS


@pytest.mark.parametrize("settings", [EmulatorSettings, SandboxSettings])
def test_every_setting_is_documented(settings: type) -> None:
    assert [
        field.name for field in fields(settings) if not documentation(settings)[field.name]
    ] == []


def test_every_undocumented_behaviour_is_among_the_changed_settings() -> None:
    documented = documentation(EmulatorSettings) | documentation(SandboxSettings)
    undocumented = {name for name, text in documented.items() if "ndocumented" in text}
    # Published outputs lack what the model requires.
    assert {*undocumented, "resource_type"} - {"synchronous_seconds"} == CHANGED_SETTINGS.keys()
    defaults = {
        field.name: field.default
        for settings in (EmulatorSettings, SandboxSettings)
        for field in fields(settings)
    }
    assert [name for name, value in CHANGED_SETTINGS.items() if defaults[name] == value] == []


def documentation(settings: type) -> dict[str, str]:
    """Return the text below each field, or an empty string."""
    [definition] = ast.parse(inspect.getsource(settings)).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            text = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                text = str(following.value.value)
            found[statement.target.id] = text
    return found
