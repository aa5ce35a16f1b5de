from __future__ import annotations

import functools
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk
import pytest

from tests.project import PROJECT

Synthesise = Callable[..., Path]


def run_app(app: str, context: dict[str, str], **options: Any) -> None:
    """Run an app as a program in this process, which has loaded the CDK.

    `options` are those of the CDK's App that the CLI passes in environment variables.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        with_options = functools.partial(aws_cdk.App, context=context, **options)
        monkeypatch.setattr(aws_cdk, "App", with_options)
        runpy.run_path(str(PROJECT / app), run_name="__main__")


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    """Return a function that runs an app and returns its cloud assembly.

    The context has the values of `cdk -c name=value`. With `in_process=False`, the app is a process
    of its own, as with the CDK CLI, and takes some seconds more.
    """

    def synthesise(
        app: str, context: dict[str, str] | None = None, *, in_process: bool = True
    ) -> Path:
        assembly = tmp_path_factory.mktemp(Path(app).stem)
        flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
        values = {**flags, **(context or {})}
        # `test_examples.py` has CDK validate all templates at once; it takes some seconds.
        if in_process:
            run_app(app, values, outdir=str(assembly), builtin_cloud_formation_validation=False)
        else:
            subprocess.run(
                [sys.executable, app],
                cwd=PROJECT,
                env={
                    **os.environ,
                    "CDK_VALIDATION": "false",
                    "CDK_OUTDIR": str(assembly),
                    "CDK_CONTEXT_JSON": json.dumps(values),
                },
                check=True,
            )
        return assembly

    return synthesise
