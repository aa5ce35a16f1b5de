"""A run goes on after a failure, ends at Ctrl-C, and cleans up after itself."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.unit.verify.account import FakeContext, experiment
from verify import __main__ as command
from verify.experiment import NotTriedError
from verify.interrupts import Interrupted
from verify.ledger import Made
from verify.plan import PlanError
from verify.removal import REMOVALS, RemovalError, remove
from verify.run import Run, clean_up

if TYPE_CHECKING:
    from pathlib import Path

    from verify.context import Context
    from verify.experiment import Finding
    from verify.report import Result


def run(context: FakeContext, *experiments: Any) -> Run:
    new = Run(cast("Context", context), experiments, lambda line: None)
    new.run()
    return new


def outcomes(results: list[Result]) -> dict[str, str]:
    return {result.experiment.name: result.finding.outcome for result in results}


def fails(error: BaseException) -> Any:
    def fail(*_: object) -> Finding:
        raise error

    return fail


def test_a_failure_ends_its_own_experiment_alone(tmp_path: Path) -> None:
    results = run(
        FakeContext(tmp_path),
        experiment("broken", fails(KeyError("gone"))),
        experiment("vain", fails(NotTriedError("nobody came"))),
        experiment("right"),
    ).results
    assert [result.finding.evidence for result in results] == [
        "it failed: KeyError: 'gone'",
        "nobody came",
        "it did",
    ]
    assert list(outcomes(results).values()) == ["could not be tried"] * 2 + ["holds"]


def test_an_interrupt_ends_the_run_and_accounts_for_every_experiment(tmp_path: Path) -> None:
    ended = run(
        FakeContext(tmp_path),
        experiment("first"),
        experiment("second", fails(Interrupted())),
        experiment("third", fails(AssertionError("it ran"))),
    )
    assert ended.is_interrupted
    assert [(result.finding.outcome, result.finding.evidence) for result in ended.results] == [
        ("holds", "it did"),
        ("could not be tried", "interrupted"),
        ("could not be tried", "the run was interrupted before it"),
    ]


def test_a_stack_goes_after_the_last_experiment_that_needs_it(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    seen = []

    def look(context: Any) -> Finding:
        seen.append(list(context.deployments.removed))
        return cast("Finding", experiment("x").run(context))

    run(
        context,
        experiment("first", look, stack="Mounts"),
        experiment("second", look, stack="Mounts"),
        experiment("third", look, stack="Function"),
    )
    assert seen == [[], [], ["Mounts"]]
    assert context.deployments.removed == ["Mounts", "Function"]


def test_the_local_aws_tries_nothing_that_it_cannot(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    context.local = object()
    [result] = run(
        context, experiment("far", fails(AssertionError("it ran")), not_local="too far")
    ).results
    assert (result.finding.outcome, result.finding.evidence) == ("could not be tried", "too far")
    assert result.seconds == 0


def test_the_newest_is_removed_first_and_the_rest_is_named(tmp_path: Path) -> None:
    context = FakeContext(tmp_path, {"Verify-1-Mounts": OSError("in use")})
    made = [
        Made("stack", "Verify-1-Mounts"),
        Made("code interpreter", "verify_1_2"),
        Made("session", "verify_1_3", "interpreter"),
    ]
    for thing in made:
        context.ledger.record(thing)
    shown: list[str] = []
    left = clean_up(cast("Context", context), shown.append)
    assert shown == [f"removing the {thing}" for thing in reversed(made)]
    assert left == ["  stack Verify-1-Mounts: OSError: in use"]
    assert list(context.ledger) == made[:1]


def test_a_second_interrupt_says_what_is_left_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = FakeContext(tmp_path, {"verify_1_2": Interrupted()})
    context.ledger.record(Made("stack", "Verify-1-Mounts"))
    context.ledger.record(Made("code interpreter", "verify_1_2"))
    context.ledger.record(Made("session", "verify_1_3", "interpreter"))
    left = command.clean_up_or_tell(cast("Context", context), tmp_path)
    assert left == ["  stack Verify-1-Mounts", "  code interpreter verify_1_2"]
    output = capsys.readouterr().out
    assert "left behind in eu-west-1:\n  stack Verify-1-Mounts\n  code interpreter" in output
    assert f"{tmp_path}/made.json has the list; make verify CLEAN=1 removes it" in output


@pytest.mark.parametrize("elsewhere", [{"region": "us-east-1"}, {"account": "444455556666"}])
def test_cleaning_elsewhere_forgets_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    elsewhere: dict[str, str],
) -> None:
    """A resource that another region has looks like one that was removed."""
    folder = tmp_path / "2026-01-01-1"
    context = FakeContext(folder)
    stack = Made("stack", "Verify-1-Mounts")
    context.ledger.record(stack)
    command.record_place(cast("Context", context), folder)
    monkeypatch.setattr(command, "Context", lambda *_: context)
    arguments = argparse.Namespace(stack="CodeInterpreter", results=tmp_path)
    with monkeypatch.context() as there:
        for name, value in elsewhere.items():
            there.setattr(context, name, value)
        assert command.clean(arguments) == 1
    assert list(context.ledger) == [stack]
    assert "the account 111122223333 and the region eu-west-1" in capsys.readouterr().out
    assert command.clean(arguments) == 0
    assert list(context.ledger) == []


def test_a_connection_that_fails_during_a_removal_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = EndpointConnectionError(endpoint_url="https://cloudformation")
    monkeypatch.setitem(REMOVALS, "stack", fails(error))
    context = cast("Context", FakeContext(tmp_path))
    with pytest.raises(RemovalError, match="Could not connect"):
        remove(context, Made("stack", "Verify-1-Mounts"))


def test_results_that_cannot_be_written_are_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    context = FakeContext(tmp_path / "file" / "run")
    monkeypatch.setattr(command, "new_context", lambda *_: context)
    monkeypatch.setattr(command, "raise_at_each_interrupt", lambda: None)
    monkeypatch.setattr("sys.argv", ["verify", "--yes", "--results", str(tmp_path / "file")])
    assert command.main() == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "made.json" in error or str(tmp_path / "file") in error


def test_without_a_terminal_it_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    with pytest.raises(PlanError, match="give YES=1"):
        command.agreed()


@pytest.mark.parametrize(
    ("typed", "agrees"), [("yes\n", True), (" Y\n", True), ("no\n", False), ("\n", False)]
)
def test_only_yes_is_yes(monkeypatch: pytest.MonkeyPatch, typed: str, *, agrees: bool) -> None:
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert command.agreed() is agrees
