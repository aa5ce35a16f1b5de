from __future__ import annotations

import functools
import json
import runpy
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

    The context has the values of `cdk -c name=value`.
    """

    def synthesise(app: str, context: dict[str, str] | None = None) -> Path:
        assembly = tmp_path_factory.mktemp(Path(app).stem)
        flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
        values = {**flags, **(context or {})}
        # `test_examples.py` has CDK validate all templates at once; it takes some seconds.
        run_app(app, values, outdir=str(assembly), builtin_cloud_formation_validation=False)
        return assembly

    return synthesise
