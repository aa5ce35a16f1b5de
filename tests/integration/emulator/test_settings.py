"""The conformance suite relies on no default of an undocumented behaviour."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.project import PROJECT
from tests.unit.emulator.undocumented import CHANGED_SETTINGS


@pytest.mark.slow  # it runs the whole suite a second time
def test_the_conformance_suite_passes_with_every_undocumented_behaviour_changed() -> None:
    emulator = [sys.executable, "-m", "agentcore_emulator"]
    for name, value in CHANGED_SETTINGS.items():
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
