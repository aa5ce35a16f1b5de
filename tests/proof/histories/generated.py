"""Mutants of the function that are generated from its code.

In each function of `SOURCES`, a mutant takes a condition for true or for false, leaves a part of a
condition or a call out, or reverses two calls that follow each other. The function's code object is
replaced, so that every caller gets the mutant.
"""

from __future__ import annotations

import ast
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
    """A change of a function's code, which is compiled when it is applied.

    :ivar name: The module, the function, and the change.
    :ivar path: The qualified name of the function.
    :ivar place: The place of the function in the walk through its module's tree.
    :ivar edit: The place of the change in the function's edits.
    """

    name: str
    module: ModuleType
    path: str
    place: int
    edit: int

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let every caller of the function have the change, for as long as the context lasts."""
        function = find(self.module, self.path)
        original = function.__code__
        function.__code__ = self._code()
        try:
            yield
        finally:
            function.__code__ = original

    def _code(self) -> CodeType:
        """Return the code object of the changed function."""
        tree = parsed(self.module)
        function = list(ast.walk(tree))[self.place]
        assert isinstance(function, ast.FunctionDef)
        _, edit = list(edits_of(function))[self.edit]
        edit()
        file = self.module.__file__ or ""
        compiled = compile(ast.fix_missing_locations(tree), file, "exec")
        return code_at(compiled, self.path)


@cache
def changes() -> tuple[Change, ...]:
    return tuple(change for module in SOURCES for change in of_module(module))


def of_module(module: ModuleType) -> Iterator[Change]:
    short = module.__name__.rpartition(".")[2]
    for place, (path, function) in functions(parsed(module)).items():
        if any(part in path for part in LEFT_OUT):
            continue
        for number, (what, _) in enumerate(edits_of(function)):
            name = " ".join(f"{short}.{path}: {what}".split())
            yield Change(name, module, path, place, number)


def parsed(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def functions(tree: ast.Module) -> dict[int, tuple[str, ast.FunctionDef]]:
    """Return each function and its qualified name, by its place in the walk through the tree."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = {}
    for place, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            owner = parents[node]
            prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
            found[place] = (f"{prefix}{node.name}", node)
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
