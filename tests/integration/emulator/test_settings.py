"""What the service does not document is a setting, and nobody relies on its default."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from agentcore_emulator.sandbox import SandboxSettings
from agentcore_emulator.settings import EmulatorSettings
from tests.project import PROJECT

# Each undocumented behaviour as it is not by default.
TURNED: dict[str, Any] = {
    "absolute_paths": "strip",
    "accept_arn_as_identifier": True,
    "client_token_seconds": 60,
    "command_input": "terminal",
    "default_language": "javascript",
    "delete_while_deleting": "accept",
    "delete_with_ready_sessions": "terminate",
    "echo_last_expression": False,
    "failed_task_status": "completed",
    "image_blocks": True,
    "initial_entries": ["something-new"],
    "invoke_without_session": "ResourceNotFoundException",
    "missing_file": "omit",
    "output_bytes": 1_000_000,
    "refuse_service_s3_endpoint": False,
    "remove_folders": False,
    "resource_type": False,
    "start_while_not_ready": "ResourceNotFoundException",
    "stop_ended_session": "accept",
    "traceback": "last_line",
}


@pytest.mark.parametrize("settings", [EmulatorSettings, SandboxSettings])
def test_every_setting_is_documented(settings: type) -> None:
    assert [one.name for one in fields(settings) if not documentation(settings)[one.name]] == []


def test_every_undocumented_behaviour_is_turned() -> None:
    documented = documentation(EmulatorSettings) | documentation(SandboxSettings)
    undocumented = {name for name, text in documented.items() if "ndocumented" in text}
    # Published outputs lack what the model requires.
    assert {*undocumented, "resource_type"} - {"synchronous_seconds"} == TURNED.keys()
    defaults = {
        one.name: one.default
        for kind in (EmulatorSettings, SandboxSettings)
        for one in fields(kind)
    }
    assert [name for name, value in TURNED.items() if defaults[name] == value] == []


def test_the_conformance_suite_depends_on_none_of_them() -> None:
    emulator = [sys.executable, "-m", "agentcore_emulator"]
    for name, value in TURNED.items():
        emulator += ["--set", f"{name}={json.dumps(value)}"]
    suite = [sys.executable, "-m", "pytest", "-q", "-n2", "tests/conformance"]
    with subprocess.Popen(emulator, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoint = {"AGENTCORE_ENDPOINT_URL": process.stdout.readline().strip()}
        ended = subprocess.run(
            suite,
            cwd=PROJECT,
            env=os.environ | endpoint,
            capture_output=True,
            text=True,
            check=False,
        )
        process.terminate()
    assert ended.returncode == 0, ended.stdout


def documentation(settings: type) -> dict[str, str]:
    """The text below each field; the empty one where there is none."""
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
