"""Mutants of the function that are generated from its code.

In each function of `SOURCES`, a mutant takes a condition for true or for false, leaves a part of a
condition or a call out, or reverses two calls that follow each other. The function's code object is
replaced, so that every caller gets the mutant.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import Any

from code_interpreter_invoke import idempotency
from code_interpreter_invoke.sessions import idle, lease, spare, sweeper

SOURCES = (idle, lease, spare, sweeper, idempotency)
# They parse and format, run in threads, or serve a tool that no history calls.
LEFT_OUT = (
    "Heartbeat.",
    "from_json",
    "to_json",
    "Spare.session_name",
    "find_program",
    "is_program",
    "object_name",
    "fingerprint",
)
Edit = tuple[str, Callable[[], None]]


@dataclass(frozen=True)
class Change:
    """A change of a function's code.

    :ivar name: The module, the function, and the change.
    :ivar code: The code object of the changed function.
    """

    name: str
    function: Any
    code: CodeType

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let every caller of the function have the change, for as long as the context lasts."""
        original = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = original


@cache
def changes() -> tuple[Change, ...]:
    return tuple(change for module in SOURCES for change in of_module(module))


def of_module(module: ModuleType) -> Iterator[Change]:
    tree = ast.parse(inspect.getsource(module))
    short = module.__name__.rpartition(".")[2]
    for path, number in functions(tree):
        if any(part in path for part in LEFT_OUT):
            continue
        edits = list(edits_of(function_at(tree, number)))
        for index, (what, _) in enumerate(edits):
            changed = copy.deepcopy(tree)
            _, edit = list(edits_of(function_at(changed, number)))[index]
            edit()
            compiled = compile(ast.fix_missing_locations(changed), module.__file__ or "", "exec")
            name = " ".join(f"{short}.{path}: {what}".split())
            yield Change(name, find(module, path), code_at(compiled, path))


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the qualified name of each function, and its place in the walk through the tree."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for number, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            owner = parents[node]
            prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
            yield f"{prefix}{node.name}", number


def function_at(tree: ast.Module, number: int) -> ast.FunctionDef:
    found = list(ast.walk(tree))[number]
    assert isinstance(found, ast.FunctionDef)
    return found


def edits_of(function: ast.FunctionDef) -> Iterator[Edit]:
    """Yield what each edit of a function does, and the edit."""
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            yield from of_condition(node)
        if isinstance(node, ast.BoolOp):
            yield from of_parts(node)
        for member in ("body", "orelse", "finalbody"):
            block = getattr(node, member, None)
            if isinstance(block, list):
                yield from of_block(block)


def of_condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[Edit]:
    def become(value: bool) -> Callable[[], None]:
        return partial(setattr, node, "test", ast.Constant(value))

    if isinstance(node.test, ast.Constant):
        return
    text = ast.unparse(node.test)
    yield f"`{text}` is false", become(False)
    if not isinstance(node, ast.While):
        yield f"`{text}` is true", become(True)


def of_parts(node: ast.BoolOp) -> Iterator[Edit]:
    neutral = ast.Constant(isinstance(node.op, ast.And))
    for number, part in enumerate(node.values):
        yield (
            f"`{ast.unparse(node)}` without `{ast.unparse(part)}`",
            partial(node.values.__setitem__, number, neutral),
        )


def of_block(block: list[ast.stmt]) -> Iterator[Edit]:
    for number, statement in enumerate(block):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield (
                f"without `{ast.unparse(statement)}`",
                partial(block.__setitem__, number, ast.Pass()),
            )
    for number, (first, second) in enumerate(pairwise(block)):
        if calls(first) and calls(second) and not needs(second, first):
            yield (
                f"`{ast.unparse(second)}` before `{ast.unparse(first)}`",
                partial(block.__setitem__, slice(number, number + 2), [second, first]),
            )


def calls(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr | ast.Assign) and any(
        isinstance(node, ast.Call) for node in ast.walk(statement)
    )


def needs(second: ast.stmt, first: ast.stmt) -> bool:
    """Tell whether a statement reads a name that the one before it assigns."""
    assigned = {ast.unparse(target) for target in getattr(first, "targets", ())}
    read = {ast.unparse(node) for node in ast.walk(second) if isinstance(node, ast.expr)}
    return bool(assigned & read)


def find(module: ModuleType, path: str) -> FunctionType:
    found: Any = module
    for name in path.split("."):
        found = vars(found)[name]
    found = getattr(found, "fget", None) or getattr(found, "__func__", found)
    assert isinstance(found, FunctionType)
    return found


def code_at(code: CodeType, path: str) -> CodeType:
    for name in path.split("."):
        code = next(
            constant
            for constant in code.co_consts
            if isinstance(constant, CodeType) and constant.co_name == name
        )
    return code
