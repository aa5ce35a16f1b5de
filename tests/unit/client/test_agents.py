"""The commands for agents without what they need."""

from __future__ import annotations

import sys

import pytest

from code_interpreter_client.cli.app import main


def test_without_its_extra_the_server_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mcp"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "code_interpreter_client.mcp_server", raising=False)
    assert main(["mcp"]) == 2
    assert "pip install 'path/to/checkout/client[mcp]'" in capsys.readouterr().err
