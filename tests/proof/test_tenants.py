"""A short run of the two tenants, and what it finds when they are not kept apart."""

from __future__ import annotations

import pytest

from local_aws import LocalAws

from .tenants.machine import FunctionForEach, SessionForEach, TwoTenants
from .tenants.mutants import MUTANTS, Change
from .tenants.proof import Run, failure_of
from .tenants.wire import over

MACHINES = (FunctionForEach, SessionForEach)


@pytest.mark.parametrize("machine", MACHINES)
def test_two_tenants_do_not_meet(machine: type[TwoTenants]) -> None:
    machine.calls = machine.watched = 0
    assert failure_of(machine, 1, Run(8, 20)) == ""
    assert machine.calls > 50
    assert machine.watched > 100


# `tests/e2e/examples/test_tenants.py` has the deployed functions of two tenants.
@pytest.mark.parametrize(
    "machine", [pytest.param(FunctionForEach, marks=pytest.mark.slow), SessionForEach]
)
def test_two_tenants_do_not_meet_over_http(machine: type[TwoTenants], local_aws: LocalAws) -> None:
    """A slice of what `make prove` runs."""
    with over(local_aws) as services_of:
        wire = machine.over(services_of)
        assert failure_of(wire, 1, Run(1, 15)) == ""
    assert wire.calls > 3
    assert wire.watched > 10


@pytest.mark.parametrize(
    ("machine", "change"),
    [pytest.param(machine, change, id=name) for name, machine, change in MUTANTS],
)
def test_tenants_that_are_not_kept_apart_are_found(
    machine: type[TwoTenants], change: Change
) -> None:
    assert failure_of(machine, 1, Run(60, 30), change)
