"""The session of a command that names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from code_interpreter_client import function
from code_interpreter_client.cli.app import main
from code_interpreter_client.errors import OutcomeUnknown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("command", [["run", "a.py"], ["exec", "1"], ["sh", "true"]])
def test_a_key_without_its_session_runs_nothing_again(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").touch()
    monkeypatch.setattr(function.Function, "request", lambda *_, **__: pytest.fail("it was sent"))
    assert main(["--function", "f", "--region", "us-east-1", *command, "--key", "k"]) == 2
    assert "error: --key needs the session of the earlier request" in capsys.readouterr().err


def test_a_lost_result_names_the_session_that_knows_its_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def request(_: Any, tool: str, *__: Any, session: str, key: str = "") -> dict[str, Any]:
        if tool == "stop_session":
            return {"status": "ok", "stopped": True}
        sessions.append(session)
        raise OutcomeUnknown("lost", idempotency_key=key)

    sessions: list[str] = []
    monkeypatch.setattr(function.Function, "request", request)
    assert main(["--function", "f", "--region", "us-east-1", "exec", "1"]) == 125
    printed = capsys.readouterr().err
    assert f"note: the key belongs to the session {sessions[0]}: give --session, too" in printed
    assert "error: lost; ask for its result with --key " in printed
