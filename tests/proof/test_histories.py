"""Some histories of each kind, and what `make prove` does with one that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .histories import proof
from .histories.checker import contradictions
from .histories.generated import changes
from .histories.mutants import MUTANTS, Mutant
from .histories.not_shown import NOT_SHOWN
from .histories.plan import Plan, plan
from .histories.proof import contradictions_of, keep, with_faults
from .histories.shrinking import shrunk
from .histories.simulation import History, Simulation


def run(plan: Plan) -> History:
    return Simulation(plan).run()


def test_histories_contradict_nothing() -> None:
    assert {seed: found for seed in range(10) if (found := contradictions(run(plan(seed))))} == {}


def test_a_seed_decides_the_history() -> None:
    first, again = (run(plan(8)) for _ in range(2))
    assert [request[:3] for request in first.requests] == [
        request[:3] for request in again.requests
    ]
    assert first.faults == again.faults != {}


def test_the_faults_that_a_history_met_repeat_it() -> None:
    history = run(plan(8))
    again = run(Plan.from_json(json.loads(str(with_faults(history)))))
    assert [request[1:3] for request in again.requests] == [
        request[1:3] for request in history.requests
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a key's record is written without a condition", "ran 2 times"),
        ("a restart is not said", "nobody was told"),
        ("a spare is anybody's", "shows"),
        ("uploads are recorded and not loaded", "does not have the upload"),
        ("files are said to be saved", "said that it saved"),
    ],
)
def test_a_mutant_is_caught(name: str, expected: str) -> None:
    mutant = mutant_of(name)
    with mutant.change():
        found = (contradictions_of(mutant, seed) for seed in range(40))
        assert any(expected in contradiction for one in found for contradiction in one)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("_sweep: `not is_ready or now <= idle_at` is true", "is idle and lives"),
        ("replenish: without `self._start", "a new session got no spare"),
        ("_is_fresh(record, self._now()) or record.expires_at < needed_until` is true", "no spare"),
        ("publish: `self.is_for_start` is false", "nobody was told"),
    ],
)
def test_a_generated_mutant_is_caught(part: str, expected: str) -> None:
    [change] = [change for change in changes() if part in change.name]
    mutant = Mutant(change.name, change.applied, is_generated=True)
    with change.applied():
        found = (contradictions_of(mutant, seed) for seed in range(20))
        assert any(expected in contradiction for one in found for contradiction in one)
    assert contradictions_of(mutant, 1) == []


def test_each_exception_is_one_of_a_generated_mutant() -> None:
    names = [change.name for change in changes()]
    assert [part for part, _ in NOT_SHOWN if not any(part in name for name in names)] == []


def test_a_failing_history_is_shrunk_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proof, "FAILED", tmp_path)
    monkeypatch.setattr(proof, "PROJECT", tmp_path)
    with mutant_of("uploads are recorded and not loaded").change():
        kept = tmp_path / keep(0)
        proof.replay(kept)
    history = json.loads(kept.read_text())
    assert history["contradictions"]
    assert history["contradictions"][0] in capsys.readouterr().out
    small = Plan.from_json(history["plan"])
    assert small.faults == ()
    assert sum(map(len, small.clients)) == 1


def test_shrinking_leaves_what_a_failure_needs() -> None:
    """It fails here with one client's second operation and one fault."""
    history = run(plan(8))
    kinds = [kind for _, kind in with_faults(history).faults or ()]
    needed = kinds[len(kinds) // 2]

    def fails(candidate: Plan) -> bool:
        ids = [operation.id for client in candidate.clients for operation in client]
        return "p01" in ids and needed in [kind for _, kind in candidate.faults or ()]

    small = shrunk(with_faults(history), fails)
    assert [operation.id for client in small.clients for operation in client] == ["p01"]
    assert [kind for _, kind in small.faults or ()] == [needed]


def mutant_of(name: str) -> Mutant:
    [mutant] = [mutant for mutant in MUTANTS if mutant.name == name]
    return mutant
