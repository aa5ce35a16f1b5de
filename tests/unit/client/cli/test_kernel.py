"""The description of the kernel that `kernel install` writes."""

from __future__ import annotations

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from code_interpreter_client.cli.app import main
from code_interpreter_client.cli.kernel import environment_of, target_of
from code_interpreter_client.cli.target import Target


def test_the_kernel_keeps_the_options_of_its_target(tmp_path: Path) -> None:
    arguments = ["--stack", "Mine", "--session", "s", "kernel", "install", "--region", "eu-west-1"]
    assert main([*arguments, "--prefix", str(tmp_path), "--display-name", "Mine"]) == 0
    file = tmp_path / "share/jupyter/kernels/code-interpreter/kernel.json"
    spec = json.loads(file.read_text())
    assert spec["argv"] == [
        sys.executable,
        "-m",
        "code_interpreter_client.kernel",
        "-f",
        "{connection_file}",
    ]
    assert (spec["display_name"], spec["interrupt_mode"]) == ("Mine", "message")
    assert spec["env"] == {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "CODE_INTERPRETER_SESSION": "s",
        "CODE_INTERPRETER_STACK": "Mine",
    }


def test_a_target_comes_back_from_its_variables() -> None:
    target = Target(stack="a", function="b", session="c")
    assert target_of(environment_of(target)) == target
    assert target_of({}) == Target()


def test_two_places_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["kernel", "install", "--user", "--prefix", str(tmp_path)]) == 2
    assert "give one of --user, --sys-prefix and --prefix" in capsys.readouterr().err


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "ipykernel":
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert main(["kernel", "install"]) == 2
    assert "path/to/checkout/client[jupyter]" in capsys.readouterr().err
