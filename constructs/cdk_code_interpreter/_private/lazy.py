"""Functions in place of CDK's interfaces with one method.

JSII takes objects of classes that declare the interface, and no functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsii
from aws_cdk import (
    IResolvable,
    IResolveContext,
    IStableAnyProducer,
    IStableListProducer,
    IStringProducer,
    Lazy,
)
from constructs import IConstruct, IValidation


def lazy_list(produce: Callable[[], list[str]]) -> list[str]:
    """Return a token for the list that `produce` returns when the app is synthesised."""
    return Lazy.list(_ListProducer(produce))


def lazy_any(produce: Callable[[], Any]) -> IResolvable:
    """Return a token for the value that `produce` returns when the app is synthesised."""
    return Lazy.any(_AnyProducer(produce))


def lazy_string(produce: Callable[[IConstruct], str]) -> str:
    """Return a token for the text that `produce` returns for the construct that has the token."""
    return Lazy.uncached_string(_StringProducer(produce))


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


@jsii.implements(IStringProducer)
class _StringProducer:
    def __init__(self, produce: Callable[[IConstruct], str]) -> None:
        self._produce = produce

    def produce(self, context: IResolveContext) -> str:
        return self._produce(context.scope)


@jsii.implements(IValidation)
class _Validation:
    def __init__(self, validate: Callable[[], list[str]]) -> None:
        self._validate = validate

    def validate(self) -> list[str]:
        return self._validate()
