"""`make verify` against the local AWS."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from local_aws import LocalAws
from local_aws.cdk import Cdk
from local_aws.local_aws import ACCOUNT
from tests.unit.emulator.undocumented import CHANGED_SETTINGS
from verify.experiment import default_of, show
from verify.ledger import Ledger, Made
from verify.table import EXPERIMENTS

from .conftest import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK = ("hook-output", "home", "delete-with-session", "multipart", "runtime", "network-reach")
SETTLE_SECONDS = 60
# Reports of users have settled these; the local AWS can be set otherwise all the same.
CHANGED = {
    **CHANGED_SETTINGS,
    "calls_in_flight_per_session": 4,
    "delete_with_ready_sessions": "terminate",
}


def test_a_quick_choice(verification: Verification) -> None:
    """One run on the way to the next: what it finds, writes, and leaves behind."""
    code, output = verification.run("--yes", "--only", ",".join(QUICK))
    assert code == 0, output
    outcomes = verification.outcomes()
    assert {name for name, (outcome, _) in outcomes.items() if outcome == "holds"} == set(QUICK) - {
        "network-reach"
    }
    assert outcomes["network-reach"][0] == "could not be tried"
    assert "At most it takes" in output.partition("...")[0]
    assert verification.left() == []
    assert verification.document()["left_behind"] == []
    [ledger] = verification.results.glob("*/made.json")
    assert json.loads(ledger.read_text()) == []
    written = "".join(path.read_text() for path in verification.results.glob("*/result.*"))
    assert verification.account not in written


def test_ctrl_c_ends_an_experiment_and_removes_what_it_made(verification: Verification) -> None:
    with verification.start("--yes", "--only", "latencies,long-program") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("... latencies"):
                break
        # A start of a sandbox comes soon.
        until(verification.left)
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=SETTLE_SECONDS)
    assert process.returncode == 130, output
    outcomes = verification.outcomes()
    assert outcomes["latencies"] == ("could not be tried", "interrupted")
    assert outcomes["long-program"] == (
        "could not be tried",
        "the run was interrupted before it",
    )
    assert verification.left() == []


@pytest.fixture(scope="module")
def prepared() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        deploy_with_cli(aws)
        yield aws


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_experiment(prepared: LocalAws, tmp_path: Path) -> None:
    """Each one holds, or says why the local AWS cannot try it."""
    verification = Verification(prepared, ACCOUNT, tmp_path)
    code, output = verification.run("--yes")
    outcomes = verification.outcomes()
    assert code == 0, output
    assert verification.left() == []
    assert stacks_of_runs(prepared) == []
    assert list(outcomes) == [experiment.name for experiment in EXPERIMENTS]
    not_local = {one.name: one.not_local for one in EXPERIMENTS if one.not_local}
    not_tried = {
        name: evidence
        for name, (outcome, evidence) in outcomes.items()
        if outcome == "could not be tried"
    }
    # Its stack's update takes but a moment, in which one look at the role may fall or not.
    brief = not_tried.pop("policy-replacement", "replaced between two looks")
    assert "replaced between two looks" in brief
    assert not_tried == not_local


@pytest.mark.slow
def test_ctrl_c_ends_a_deployment_and_removes_its_stack(prepared: LocalAws, tmp_path: Path) -> None:
    verification = Verification(prepared, ACCOUNT, tmp_path)
    with verification.start("--yes", "--only", "if-match") as process:
        until(lambda: stacks_of_runs(prepared))
        os.kill(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=SETTLE_SECONDS)
    assert process.returncode == 130, output
    assert stacks_of_runs(prepared) == []
    [ledger] = verification.results.glob("*/made.json")
    assert json.loads(ledger.read_text()) == []


@pytest.mark.slow
def test_another_run_removes_what_one_left_behind(prepared: LocalAws, tmp_path: Path) -> None:
    control = prepared.client("bedrock-agentcore-control")
    control.create_code_interpreter(
        name="verify_left_1", networkConfiguration={"networkMode": "SANDBOX"}
    )
    verification = Verification(prepared, ACCOUNT, tmp_path)
    Ledger(tmp_path / "2026-01-01-left" / "made.json").record(
        Made("code interpreter", "verify_left_1")
    )
    assert verification.left() != []
    code, output = verification.run("--clean")
    assert (code, verification.left()) == (0, []), output
    assert output.endswith("nothing is left behind\n")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_setting_is_seen_to_differ(tmp_path: Path) -> None:
    """With the other reading of every setting, each of its experiments says so."""
    with LocalAws(emulator_settings=CHANGED) as aws:
        deploy_with_cli(aws)
        verification = Verification(aws, ACCOUNT, tmp_path)
        chosen = [one for one in EXPERIMENTS if one.setting]
        code, output = verification.run("--yes", "--only", ",".join(one.name for one in chosen))
        assert code == 3, output
        outcomes = verification.outcomes()
        assert verification.left() == []
    for experiment in chosen:
        assert experiment.setting
        outcome, evidence = outcomes[experiment.name]
        assert outcome == "differs", (experiment.name, evidence)
        assert evidence.startswith(f"{experiment.setting} should be ")
        assert show(default_of(experiment.setting)) != evidence.split(":")[0].rpartition(" ")[2]


def deploy_with_cli(aws: LocalAws) -> None:
    """Deploy the project's stack as `make local` does: the experiments use the CDK CLI, too."""
    with TemporaryDirectory() as home:
        cdk = Cdk(aws, Path(home))
        cdk.bootstrap()
        cdk.deploy()


def stacks_of_runs(aws: LocalAws) -> list[str]:
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    names = [stack["StackName"] for stack in stacks]
    return [name for name in names if name.startswith("Verify-")]


def until(condition: Callable[[], object]) -> None:
    ends_at = time.monotonic() + SETTLE_SECONDS
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.1)
