"""A short run of the two tenants, and what it finds when they are not kept apart."""

from __future__ import annotations

import pytest

from .tenants.machine import FunctionForEach, SessionForEach, TwoTenants
from .tenants.proof import MUTANTS, Change, failure_of


@pytest.mark.parametrize("machine", [FunctionForEach, SessionForEach])
def test_two_tenants_do_not_meet(machine: type[TwoTenants]) -> None:
    machine.steps = machine.watched = 0
    assert failure_of(machine, 1, 8, 20) == ""
    assert machine.steps > 50
    assert machine.watched > 100


@pytest.mark.parametrize(
    ("machine", "change"),
    [pytest.param(machine, change, id=name) for name, machine, change in MUTANTS],
)
def test_tenants_that_are_not_kept_apart_are_found(
    machine: type[TwoTenants], change: Change
) -> None:
    assert failure_of(machine, 1, 60, 30, change)
