"""Environments of their own for packages that do not get on with the project's."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def python_with(name: str) -> Path:
    """Return a Python with the packages of `requirements/<name>.txt`, which are installed once."""
    requirements = PROJECT / "requirements" / f"{name}.txt"
    folder = PROJECT / ".cache" / "environments" / name
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    digest = hashlib.sha256(f"{sys.version} {folder} {requirements.read_text()}".encode())
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        uv = PROJECT / ".venv" / "bin" / "uv"
        environment = {**os.environ, "UV_CACHE_DIR": str(PROJECT / ".cache" / "uv")}
        subprocess.run(
            [uv, "venv", "--quiet", "--python", sys.executable, folder],
            env=environment,
            check=True,
        )
        subprocess.run(
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, requirements],
            env=environment,
            check=True,
        )
        stamp.write_text(digest.hexdigest())
    return python
