"""The invoke function's own code, which defines each tool once."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from .lambda_function import lambda_directory

_LOADED_AS = f"{__package__}._invoke"


def invoke_code(module: str) -> ModuleType:
    """A module of the function's code that needs the standard library only.

    The code is no package of this library and must be found by nobody else under its own name, so
    it is loaded under one of ours.
    """
    if _LOADED_AS not in sys.modules:
        directory = lambda_directory("invoke") / "code_interpreter_invoke"
        spec = importlib.util.spec_from_file_location(
            _LOADED_AS, directory / "__init__.py", submodule_search_locations=[str(directory)]
        )
        assert spec is not None
        sys.modules[_LOADED_AS] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{_LOADED_AS}.{module}")
