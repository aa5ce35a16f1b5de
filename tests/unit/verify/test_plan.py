"""The choice of experiments, and the announcement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import pytest

from tests.unit.verify.account import FakeContext, experiment
from verify import plan
from verify.table import EXPERIMENTS

if TYPE_CHECKING:
    from pathlib import Path

    from verify.context import Context


@pytest.mark.parametrize("separator", [",", ", ", " "])
def test_all_are_chosen_or_those_with_a_name_in_the_order_of_the_table(separator: str) -> None:
    assert list(plan.choose("")) == list(EXPERIMENTS)
    chosen = [one.name for one in plan.choose(f"traceback{separator}hook-output")]
    assert chosen == ["hook-output", "traceback"]


def test_an_unknown_name_is_refused_with_those_that_exist() -> None:
    with pytest.raises(plan.PlanError, match=r"'hook-outputs'.*did you mean hook-output\?.*LIST=1"):
        plan.choose("hook-outputs")


def test_the_announcement_has_stacks_time_and_cost(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    text = plan.announcement(
        cast("Context", context),
        [
            experiment("plain", minutes=60),
            experiment("deep", stack="Mounts", sandboxes=0, dollars=1, minutes=0),
        ],
    )
    assert "runs 2 experiments with the stack CodeInterpreter in the account 111122223333" in text
    assert "Stacks of its own: Mounts." in text
    found = re.search(r"At most it takes (\d+) minutes and costs ([\d.]+) USD\.", text)
    assert found
    assert int(found[1]) == 60 + plan.STACK_MINUTES["Mounts"]
    # A busy sandbox and the function for an hour, the dollar, and a cent for requests.
    assert float(found[2]) == pytest.approx(0.255 + 0.012 + 1 + 0.01, abs=0.01)
    assert "plain  Does plain work?" in text


def test_all_experiments_together_cost_little() -> None:
    from verify import costs

    assert costs.most(EXPERIMENTS) < 3
