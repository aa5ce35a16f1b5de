"""The command line of the emulator."""

from __future__ import annotations

import sys

import pytest

from agentcore_emulator.__main__ import parse_arguments


def test_settings_of_the_emulator_and_of_its_sandboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    assignments = ["default_account=111122223333", "create_seconds=2", "image_blocks=true"]
    assignments += ["initial_entries=[]", "traceback=last_line"]
    monkeypatch.setattr(
        sys, "argv", ["program", *(f"--set={assignment}" for assignment in assignments)]
    )
    settings = parse_arguments().settings
    assert (settings.default_account, settings.create_seconds) == ("111122223333", 2)
    sandbox = settings.sandbox
    assert (sandbox.image_blocks, sandbox.initial_entries) == (True, ())
    assert sandbox.traceback == "last_line"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("create_second=1", "create_second: not one of absolute_paths, "),
        ("create_seconds=soon", "create_seconds: 'soon' is not a float"),
        ("create_seconds=-1", "create_seconds: -1 is not a number from 0 up"),
        ("create_seconds=NaN", "create_seconds: nan is not a number from 0 up"),
        ("enforce_rates=1", "enforce_rates: 1 is not a bool"),
        ("initial_entries=log", "initial_entries: 'log' is not a list of strings"),
        ("stop_ended_session=maybe", "stop_ended_session: 'maybe' is not one of accept, not_found"),
    ],
)
def test_refuses_a_setting_that_does_not_exist_or_has_a_wrong_value(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    assignment: str,
    message: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", "--set", assignment])
    with pytest.raises(SystemExit) as ended:
        parse_arguments()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_refuses_a_port_that_does_not_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", "--port", "70000"])
    with pytest.raises(SystemExit):
        parse_arguments()
    assert "--port 70000: not from 1 to 65535" in capsys.readouterr().err
