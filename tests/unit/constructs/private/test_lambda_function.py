from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter
from cdk_code_interpreter._private import lambda_function
from tests.project import PROJECT

CHECKOUT = PROJECT / "lambda"


def asset_key() -> str:
    stack = Stack(App(builtin_cloud_formation_validation=False), "Test")
    CodeInterpreter(stack, "Interpreter")
    [function] = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    key: str = function["Properties"]["Code"]["S3Key"]
    return key


def test_byte_code_does_not_change_the_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "lambda"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(lambda_function, "_ASSET_ROOTS", (copy,))
    clean = asset_key()
    package = copy / "control" / "code_interpreter_control"
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "handler.cpython-314.pyc").write_bytes(b"\0")
    assert asset_key() == clean
    (package / "handler.py").write_text("changed")
    assert asset_key() != clean


def test_the_wheels_own_code_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_wheel = tmp_path / "lambda_assets"
    shutil.copytree(CHECKOUT, in_wheel, ignore=shutil.ignore_patterns("__pycache__"))
    from_checkout = asset_key()
    monkeypatch.setattr(lambda_function, "_ASSET_ROOTS", (in_wheel, CHECKOUT))
    assert asset_key() == from_checkout
    (in_wheel / "control" / "another.py").touch()
    assert asset_key() != from_checkout


def test_fails_when_the_code_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_function, "_ASSET_ROOTS", (tmp_path,))
    with pytest.raises(FileNotFoundError, match=r"'control'.*install it again"):
        asset_key()
