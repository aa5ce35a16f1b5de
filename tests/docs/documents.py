"""The project's documents, and the paths and names that they mention."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.project import PROJECT

README = PROJECT / "README.md"
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
ARCHITECTURE = PROJECT / "docs" / "architecture.md"
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])

# A path or a name in a document begins in one of these folders.
FOLDERS = (
    PROJECT,
    PROJECT / "lambda" / "invoke" / "code_interpreter_invoke",
    PROJECT / "lambda" / "control" / "code_interpreter_control",
    PROJECT / "constructs" / "cdk_code_interpreter",
    PROJECT / "client" / "code_interpreter_client",
    PROJECT / "local",
    PROJECT / "local" / "agentcore_emulator",
    PROJECT / "local" / "local_aws",
)
SUFFIXES = (".json", ".md", ".py", ".toml", ".yaml")


def prose(document: Path) -> str:
    """Return a document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)


def code_spans(document: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(document))


def paths(document: Path) -> list[str]:
    """Return the paths, which may be patterns, between a document's backticks."""
    return [
        span
        for span in code_spans(document)
        if re.fullmatch(r"\.?\w[\w.*-]*(/[\w.*-]+)*/?", span)
        and ("/" in span or span.endswith(SUFFIXES))
    ]


def dotted_names(document: Path) -> list[str]:
    """Return the names of modules, functions and classes between a document's backticks."""
    return [
        span
        for span in code_spans(document)
        if re.fullmatch(r"[a-z_]+(\.\w+)+", span) and not span.endswith(SUFFIXES)
    ]


def has_path(path: str) -> bool:
    return any(any(folder.glob(path.rstrip("/"))) for folder in FOLDERS)


def has_name(name: str) -> bool:
    return any(is_defined(folder, name.split(".")) for folder in FOLDERS)


def is_defined(folder: Path, parts: list[str]) -> bool:
    """Tell whether a dotted name below a folder is a module, or is defined in one."""
    if not parts:
        return True
    if (folder / parts[0]).is_dir():
        return is_defined(folder / parts[0], parts[1:])
    module = folder / f"{parts[0]}.py"
    return module.is_file() and defines(ast.parse(module.read_text()).body, parts[1:])


def defines(body: list[ast.stmt], parts: list[str]) -> bool:
    """Tell whether statements define a name, or a member of a class."""
    if not parts:
        return True
    for statement in body:
        match statement:
            case ast.ClassDef(name=name, body=members) if name == parts[0]:
                return defines(members, parts[1:])
            case ast.FunctionDef(name=name) if name == parts[0]:
                return len(parts) == 1
            case ast.Assign(targets=[ast.Name(id=name)]) if name == parts[0]:
                return len(parts) == 1
            case ast.AnnAssign(target=ast.Name(id=name)) if name == parts[0]:
                return len(parts) == 1
    return False
