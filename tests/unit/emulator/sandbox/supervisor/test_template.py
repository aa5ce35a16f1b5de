"""The places where modules note a directory are found, whatever keeps it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from agentcore_emulator.sandbox.supervisor.template import Places


def test_a_directory_is_replaced_wherever_a_module_notes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("notes")
    noted = {
        "text": "/template/bin/python",
        "list": ["/usr/lib", "/template/lib", None],
        "dict": {"prefix": "/template", "version": 3, "platform": "linux"},
        "number": 3,
    }
    vars(module).update(noted)
    monkeypatch.setitem(sys.modules, "notes", module)
    monkeypatch.setitem(sys.path_importer_cache, "/template/lib", None)
    Places("/template").replace("/session")
    assert {name: vars(module)[name] for name in noted} == {
        "text": "/session/bin/python",
        "list": ["/usr/lib", "/session/lib", None],
        "dict": {"prefix": "/session", "version": 3, "platform": "linux"},
        "number": 3,
    }
    assert "/template/lib" not in sys.path_importer_cache
