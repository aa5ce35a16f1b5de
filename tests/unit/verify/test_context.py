"""Everything that an experiment makes is in the ledger before AWS hears of it."""

from __future__ import annotations

import ast
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.project import PROJECT
from verify.context import Context
from verify.interrupts import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

MAKING = {"create_code_interpreter", "start_code_interpreter_session"}
RECORDING = {"record", "new_interpreter"}
MODULES = sorted((PROJECT / "verify" / "experiments").glob("*.py"))


class Cut:
    """A service whose caller is interrupted while it responds: the thing may exist."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            self.names.append(given["name"])
            raise Interrupted

        return call


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    context = Context("CodeInterpreter", "1", tmp_path)
    context.outputs = {"CodeInterpreterId": "interpreter-1", "WorkspaceBucketName": "bucket"}
    context.control = context.data = Cut()
    context.function = {"Environment": {"Variables": {"WORKSPACE_PREFIX": "workspace"}}}
    return context


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda context: context.new_sandbox(), "session"),
        (lambda context: context.new_interpreter(), "code interpreter"),
    ],
)
def test_a_thing_whose_creation_was_interrupted_is_recorded(
    context: Context, make: Callable[[Context], AbstractContextManager[Any]], kind: str
) -> None:
    with pytest.raises(Interrupted), make(context):
        pass
    [made] = context.ledger
    assert (made.kind, made.name) == (kind, context.data.names[0])


def test_the_shared_sandbox_is_recorded(context: Context) -> None:
    with pytest.raises(Interrupted):
        _ = context.sandbox
    assert [(made.kind, made.place) for made in context.ledger] == [("session", "interpreter-1")]


def test_a_named_session_and_its_files_stay_recorded_until_both_are_gone(
    context: Context,
) -> None:
    interpreter: Any = SimpleNamespace(
        function=SimpleNamespace(name="function"), session=lambda name: name
    )
    with pytest.raises(Interrupted), context.named_session(interpreter) as session:
        name = str(session)
        raise Interrupted
    assert [(made.kind, made.name, made.place) for made in context.ledger] == [
        ("objects", f"workspace/{name}/", "bucket"),
        ("named session", name, "function"),
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_no_experiment_makes_a_thing_without_a_record(module: Path) -> None:
    """Sandboxes of a recorded code interpreter are removed with it."""
    functions = [
        statement
        for statement in ast.walk(ast.parse(module.read_text()))
        if isinstance(statement, ast.FunctionDef)
    ]
    inner = {id(node) for function in functions for node in nested(function)}
    for function in functions:
        names = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        if names & MAKING and id(function) not in inner:
            assert names & RECORDING, f"{function.name} makes a thing and records none"


def nested(function: ast.FunctionDef) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.FunctionDef) and node is not function
    ]
