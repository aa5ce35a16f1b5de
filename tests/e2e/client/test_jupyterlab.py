"""A notebook in a real JupyterLab and a real browser, in front of the deployed function."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environments import python_with

if TYPE_CHECKING:
    from tests.e2e.client.conftest import CommandLine

BROWSER = Path(__file__).parent / "frameworks" / "notebook_in_browser.py"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CELLS = (
    "import matplotlib.pyplot as plt, pandas as pd\n"
    "sales = pd.DataFrame({'month': ['Jan', 'Feb', 'Mar'], 'revenue': [1200, 1350, 1500]})\n"
    "sales",
    "sales.plot(x='month', kind='bar', figsize=(4, 2.2))\nplt.show()",
    "import time\nprint('still running')\nwhile True: time.sleep(1)",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(CHROMIUM is None, reason="neither chromium nor google-chrome is on the PATH")
def test_a_person_runs_a_notebook_and_interrupts_it(
    environment: dict[str, str], tmp_path: Path, code_interpreter: CommandLine
) -> None:
    assert CHROMIUM is not None
    installed = code_interpreter("kernel", "install", "--prefix", str(tmp_path))
    assert installed.exit_code == 0, installed
    work = tmp_path / "work"
    work.mkdir()
    (work / "sales.ipynb").write_text(json.dumps(notebook(*CELLS)))
    port = free_port()
    python = python_with("jupyterlab")
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": work,
        "IdentityProvider.token": "test",
    }
    variables = {
        **os.environ,
        **environment,
        "HOME": str(tmp_path),
        "JUPYTER_PATH": str(tmp_path / "share/jupyter"),
    }
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            [python, "-m", "jupyterlab", "--no-browser", "--allow-root"]
            + [f"--{name}={value}" for name, value in options.items()],
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(port, server)
            url = f"http://127.0.0.1:{port}/lab/tree/sales.ipynb?token=test&reset"
            picture = tmp_path / "notebook.png"
            subprocess.run([python, BROWSER, url, CHROMIUM, picture], check=True, env=variables)
        finally:
            server.terminate()
            server.wait(60)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not [
        line for line in code_interpreter("sessions").stdout.splitlines() if "READY" in line
    ]


def notebook(*cells: str) -> dict[str, object]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": "code-interpreter",
                "display_name": "Code interpreter",
                "language": "python",
            }
        },
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.2)
