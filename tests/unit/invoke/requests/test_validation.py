from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.requests.tools import TOOLS

from .jsonschema_oracle import arguments, check_against_jsonschema


@pytest.mark.parametrize("tool", TOOLS)
@given(data=st.data())
@settings(max_examples=15)
def test_validation_judges_as_jsonschema_does(tool: str, data: st.DataObject) -> None:
    """`tests/integration/invoke/test_validation.py` does it with more examples."""
    check_against_jsonschema(tool, data.draw(arguments(tool)))
