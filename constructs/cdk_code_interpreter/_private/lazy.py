"""Functions in place of CDK's interfaces with one method.

JSII takes objects of classes that declare the interface, and no functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsii
from aws_cdk import IResolvable, IStableAnyProducer, IStableListProducer, Lazy
from constructs import IValidation


def lazy_list(produce: Callable[[], list[str]]) -> list[str]:
    """Return a token for the list that `produce` returns when the app is synthesised."""
    return Lazy.list(_ListProducer(produce))


def lazy_any(produce: Callable[[], Any]) -> IResolvable:
    """Return a token for the value that `produce` returns when the app is synthesised."""
    return Lazy.any(_AnyProducer(produce))


def validation(validate: Callable[[], list[str]]) -> IValidation:
    """Return a check that runs after all aspects; `validate` returns the errors that it finds."""
    return _Validation(validate)


@jsii.implements(IStableListProducer)
class _ListProducer:
    def __init__(self, produce: Callable[[], list[str]]) -> None:
        self._produce = produce

    def produce(self) -> list[str]:
        return self._produce()


@jsii.implements(IStableAnyProducer)
class _AnyProducer:
    def __init__(self, produce: Callable[[], Any]) -> None:
        self._produce = produce

    def produce(self) -> Any:
        return self._produce()


@jsii.implements(IValidation)
class _Validation:
    def __init__(self, validate: Callable[[], list[str]]) -> None:
        self._validate = validate

    def validate(self) -> list[str]:
        return self._validate()
