from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk.assertions import Template

from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings
from tests.unit.constructs.everything import new_app

Synthesise = Callable[..., Template]


@pytest.fixture(scope="session")
def synthesise() -> Synthesise:
    """Return a function from settings (context keys without prefix) to the stack's template.

    Tests only read it: the same settings are synthesised once.
    """
    templates: dict[str, Template] = {}

    def template(**settings: Any) -> Template:
        key = json.dumps(settings, sort_keys=True)
        if key not in templates:
            templates[key] = synthesised(settings)
        return templates[key]

    def synthesised(settings: dict[str, Any]) -> Template:
        context = {
            f"code-interpreter:{key.replace('_', '-')}": value for key, value in settings.items()
        }
        stack = CodeInterpreterStack(
            new_app(), "CodeInterpreter", settings=Settings.from_context(context)
        )
        return Template.from_stack(stack)

    return template
