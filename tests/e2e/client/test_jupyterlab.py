"""A notebook in a real JupyterLab and a real browser, in front of the deployed function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .jupyterlab import CHROMIUM, draw_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from code_interpreter_client import CodeInterpreter


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(CHROMIUM is None, reason="neither chromium nor google-chrome is on the PATH")
def test_a_person_runs_a_notebook_and_interrupts_it(
    environment: dict[str, str], interpreter: CodeInterpreter, tmp_path: Path
) -> None:
    before = {sandbox.session_id for sandbox in interpreter.sandboxes()}
    draw_notebook(environment, tmp_path, tmp_path / "notebook.png")
    assert (tmp_path / "notebook.png").read_bytes().startswith(b"\x89PNG")
    # The server's end is the end of the sandbox, too.
    assert {sandbox.session_id for sandbox in interpreter.sandboxes()} == before
