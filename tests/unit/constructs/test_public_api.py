"""The names that the library exports, and its source root."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

import cdk_code_interpreter
from tests.project import PROJECT

CLASSES = [
    value
    for name in cdk_code_interpreter.__all__
    if isinstance(value := getattr(cdk_code_interpreter, name), type)
]


def test_the_source_root_is_not_a_package() -> None:
    """With an `__init__.py` it would hide the `constructs` that aws-cdk-lib needs."""
    assert not (PROJECT / "constructs" / "__init__.py").exists()


def test_every_exported_name_is_documented() -> None:
    for name in cdk_code_interpreter.__all__:
        assert getattr(cdk_code_interpreter, name).__doc__, name


def test_the_package_lists_its_names_before_their_first_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(vars(cdk_code_interpreter), "Monitoring")  # used by other tests
    assert set(cdk_code_interpreter.__all__) <= set(dir(cdk_code_interpreter))


def test_a_name_that_the_package_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'cdk_code_interpreter' has no attribute 'Monitor'"):
        cdk_code_interpreter.Monitor  # type: ignore[attr-defined]  # noqa: B018 - it is to fail


@pytest.mark.parametrize("public", CLASSES)
def test_a_class_names_the_module_that_exports_it(public: type) -> None:
    assert public.__module__ == "cdk_code_interpreter"
    assert pickle.loads(pickle.dumps(public)) is public


@pytest.mark.parametrize("public", CLASSES)
def test_every_class_of_the_library_in_a_public_signature_is_exported(public: type) -> None:
    named = {
        part
        for hints in annotations_of(public)
        for hint in hints.values()
        for part in parts(hint)
        if isinstance(part, type) and part.__module__.split(".")[0] == "cdk_code_interpreter"
    }
    assert named <= set(CLASSES)


def annotations_of(public: type) -> Iterator[dict[str, Any]]:
    """Return the annotations of a class, and of its public methods and properties."""
    yield get_type_hints(public)
    for name, member in inspect.getmembers(public):
        function: Any = member.fget if isinstance(member, property) else member
        function = inspect.unwrap(getattr(function, "__func__", function))
        module = getattr(function, "__module__", None) or ""
        is_public = name == "__init__" or not name.startswith("_")
        if is_public and inspect.isfunction(function) and module.startswith("cdk_code_interpreter"):
            yield get_type_hints(function)


def parts(hint: Any) -> Iterator[Any]:
    """Return a type and everything that it is composed of."""
    yield hint
    for argument in get_args(hint):
        yield from parts(argument)
