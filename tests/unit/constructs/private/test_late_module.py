"""Modules that are imported with their first use."""

from __future__ import annotations

import copy
import pickle
import string
from collections.abc import Callable
from typing import Any

import pytest

from cdk_code_interpreter._private.late_module import LateModule


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda late: pickle.loads(pickle.dumps(late))]
)
def test_a_copy_stands_for_the_same_module(copied: Callable[[Any], Any]) -> None:
    assert copied(LateModule("string")).digits is string.digits
