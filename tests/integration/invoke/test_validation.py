"""The validation of arguments agrees with `jsonschema` in many examples."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.requests.tools import TOOLS
from tests.unit.invoke.requests.jsonschema_oracle import arguments, check_against_jsonschema


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
@given(data=st.data())
@settings(max_examples=300)
def test_validation_judges_many_arguments_as_jsonschema_does(
    tool: str, data: st.DataObject
) -> None:
    check_against_jsonschema(tool, data.draw(arguments(tool)))
