"""A notebook in a real JupyterLab, run by a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.environments import python_with

if TYPE_CHECKING:
    from collections.abc import Mapping

BROWSER: Final = Path(__file__).parent / "frameworks" / "notebook_in_browser.py"
CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
CELLS: Final = (
    "import matplotlib.pyplot as plt, pandas as pd\n"
    "sales = pd.DataFrame({'month': ['Jan', 'Feb', 'Mar'], 'revenue': [1200, 1350, 1500]})\n"
    "sales",
    "sales.plot(x='month', kind='bar', figsize=(4, 2.2))\nplt.show()",
    "import time\nprint('still running')\nwhile True: time.sleep(1)",
)


def draw_notebook(environment: Mapping[str, str], folder: Path, picture: Path) -> None:
    """Run the cells, interrupt the last one, and take the picture.

    :param environment: The variables of the local AWS.
    :param folder: An empty folder.
    """
    assert CHROMIUM is not None
    variables = {
        **os.environ,
        **environment,
        "HOME": str(folder),
        "JUPYTER_PATH": str(folder / "share/jupyter"),
    }
    command = Path(sys.executable).with_name("code-interpreter")
    install = [str(command), "kernel", "install", "--prefix", str(folder)]
    subprocess.run(install, check=True, env=variables, stderr=subprocess.PIPE)
    work = folder / "work"
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
    arguments = [f"--{name}={value}" for name, value in options.items()]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [str(python), "-m", "jupyterlab", "--no-browser", "--allow-root", *arguments],
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(port, server)
            url = f"http://127.0.0.1:{port}/lab/tree/sales.ipynb?token=test&reset"
            subprocess.run([python, BROWSER, url, CHROMIUM, picture], check=True, env=variables)
        finally:
            server.terminate()
            server.wait(60)


def notebook(*cells: str) -> dict[str, object]:
    kernel = {
        "name": "code-interpreter",
        "display_name": "Code interpreter",
        "language": "python",
    }
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
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
