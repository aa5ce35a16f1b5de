"""The tables of docs/costs.md are those of its program, and the program counts what happens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import costs
from code_interpreter_invoke.upkeep import EVENT
from tests.fakes.lambda_context import Context
from tests.fakes.world import World
from tests.golden_files import UPDATE_VARIABLE
from tests.project import PROJECT

PAGE = PROJECT / "docs" / "costs.md"


@pytest.mark.parametrize("name", costs.TABLES)
def test_golden_tables_of_the_page(name: str) -> None:
    table = costs.TABLES[name](costs.Prices())
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    found, end, after = rest.partition(f"<!-- end of {name} -->")
    if os.environ.get(UPDATE_VARIABLE):
        found = f"{table}\n"
        PAGE.write_text(f"{before}{begin}{found}{end}{after}", encoding="utf-8")
    assert found == f"{table}\n", "run `make golden` and commit the page"


def test_other_prices_give_other_tables() -> None:
    for name, of in costs.TABLES.items():
        doubled = costs.Prices(
            *(2 * getattr(costs.Prices(), field) for field in costs.Prices.__dataclass_fields__)
        )
        assert of(doubled) != of(costs.Prices()), name


def test_a_sandbox_that_is_left_costs_79_times_a_run_of_a_second() -> None:
    prices = costs.Prices()
    at_once = costs.sandbox(prices, 1, 1 + costs.START_AND_STOP)
    assert round(costs.sandbox(prices, 1, 900) / at_once) == 79


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (costs.WARM, {"session": "warm"}),
        (costs.KEYED, {"session": "warm", "idempotency_key": "k"}),
        (costs.FIRST, {"session": "new"}),
        (costs.SPARED, {"session": "new"}),
        (costs.TEMPORARY, {}),
    ],
    ids=lambda value: value.name if isinstance(value, costs.Call) else "",
)
def test_the_requests_to_s3_are_those_that_the_program_counts(
    tmp_path: Path, kind: costs.Call, arguments: dict[str, str]
) -> None:
    world = World(tmp_path / "sandboxes")
    world.ok("execute_code", session="warm", code="1")
    if kind is costs.SPARED:
        world.settings = world.settings._replace(warm_spare=True)
        world.function = world.new_function()
        world.function(EVENT, Context())
    world.forget_calls()
    world.ok("execute_code", code="1", **arguments)
    operations = world.s3.operations()
    writes = sum(operation in ("PutObject", "ListObjectsV2") for operation in operations)
    assert (writes, len(operations) - writes) == (kind.s3_writes, kind.s3_reads)


def test_a_run_of_the_upkeep_asks_s3_what_the_program_counts(tmp_path: Path) -> None:
    world = World(tmp_path / "sandboxes")
    world.settings = world.settings._replace(idle_limit_seconds=600, warm_spare=True)
    world.function = world.new_function()
    world.function(EVENT, Context())
    world.forget_calls()
    world.function(EVENT, Context())
    assert sorted(world.s3.operations()) == ["GetObject", "GetObject", "ListObjectsV2"]
    assert world.agentcore.operations() == ["Get"]
