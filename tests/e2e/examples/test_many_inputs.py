"""The example `many_inputs.py`, executed by the local AWS over a handful of files.

What its role may do is asked of IAM: in the local AWS, state machines act without it.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .calling import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_aws import LocalAws

    from .conftest import Synthesise

ACCOUNT = "200000000022"
NAME = "sales-q3"
FOLDER = "batches/sales q3/"
INPUTS = {"a.txt": "1 2 3", "b.txt": "4 5", "c+ä&?.txt": "6", "d.txt": "no number", "e.txt": "7 8"}
PROGRAM = "print(sum(map(int, open('input').read().split())))"
TIMEOUT_SECONDS = 60
POLL_SECONDS = 0.1

# Errors of Lambda's own, which say nothing about whether the function ran. CDK has the state
# repeat the call, and the function's idempotency key makes that safe.
LOST = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
}
THROTTLED = "Lambda.TooManyRequestsException"


@pytest.fixture(scope="module")
def assembly(synthesise: Synthesise) -> Path:
    return synthesise("examples/many_inputs.py")


@pytest.fixture(scope="module")
def definition(assembly: Path) -> dict[str, Any]:
    """What Step Functions is to run, with a text in the place of each reference."""
    template = json.loads((assembly / "ManyInputs.template.json").read_text())
    [machine] = [
        one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    [_, parts] = machine["DefinitionString"]["Fn::Join"]
    text = "".join(part if isinstance(part, str) else "reference" for part in parts)
    return dict(json.loads(text))


@pytest.fixture(scope="module")
def deployed(assembly: Path, local_aws: LocalAws) -> Deployed:
    return Deployed.deploy(local_aws, ACCOUNT, assembly)


@pytest.fixture(scope="module")
def execution(deployed: Deployed) -> dict[str, Any]:
    """The execution over all inputs, when it has ended. AgentCore refused one of its sandboxes."""
    for name, content in INPUTS.items():
        deployed.client("s3").put_object(
            Bucket=deployed.outputs["WorkspaceBucketName"], Key=FOLDER + name, Body=content.encode()
        )
    deployed.aws.agentcore.inject_fault(
        operation="StartCodeInterpreterSession",
        kind="error",
        error="ServiceQuotaExceededException",
    )
    return executed(deployed, NAME, PROGRAM)


@pytest.fixture(scope="module")
def results(deployed: Deployed, execution: dict[str, Any]) -> dict[str, list[Any]]:
    """What is in the files of results, by the status that they are for."""
    where = json.loads(execution["output"])["ResultWriterDetails"]
    manifest = stored(deployed, where["Key"])
    assert where["Key"].startswith("results/")
    return {
        status: [item for file in files for item in stored(deployed, file["Key"])]
        for status, files in manifest["ResultFiles"].items()
    }


def test_the_results_are_gathered_in_the_bucket(
    execution: dict[str, Any], results: dict[str, list[Any]]
) -> None:
    assert execution["status"] == "SUCCEEDED", execution
    sums = {one["input"].removeprefix(FOLDER): one["output"] for one in results["SUCCEEDED"]}
    assert sums == {"a.txt": "6", "b.txt": "9", "c+ä&?.txt": "6", "e.txt": "15"}


def test_an_input_that_failed_is_listed_with_the_reason(results: dict[str, list[Any]]) -> None:
    [failed] = results["FAILED"]
    assert json.loads(failed["Input"])["key"] == f"{FOLDER}d.txt"
    assert failed["Error"] == "CodeFailed"
    assert "ValueError" in failed["Cause"]


@pytest.mark.usefixtures("execution")
def test_every_program_ran_once_though_a_sandbox_was_refused(deployed: Deployed) -> None:
    calls = deployed.calls()
    assert calls.count(("StartCodeInterpreterSession", None)) == len(INPUTS) + 1
    assert calls.count(("InvokeCodeInterpreter", "executeCode")) == len(INPUTS)


@pytest.mark.usefixtures("execution")
def test_every_input_had_a_sandbox_and_none_is_left(deployed: Deployed) -> None:
    assert [one["status"] for one in deployed.sessions()] == ["TERMINATED"] * len(INPUTS)


@pytest.mark.usefixtures("execution")
def test_a_call_that_step_functions_repeats_runs_nothing(deployed: Deployed) -> None:
    before = deployed.calls()
    answer = deployed.invoke(
        deployed.physical_id("InvokeFunction"),
        {
            "tool": "execute_code",
            "session": f"{NAME}-0",
            "idempotency_key": f"{NAME}-0",
            "code": PROGRAM,
        },
    )
    assert (answer["replayed"], answer["stdout"]) == (True, "6")
    assert deployed.calls() == before


@pytest.mark.usefixtures("execution")
def test_too_many_failures_fail_the_execution_and_keep_the_results(deployed: Deployed) -> None:
    before = manifests(deployed)
    execution = executed(deployed, "only-long-lines", "assert len(open('input').read()) > 4")
    assert (execution["status"], execution["error"]) == (
        "FAILED",
        "States.ExceedToleratedFailureThreshold",
    )
    [key] = manifests(deployed) - before
    assert {status for status, files in stored(deployed, key)["ResultFiles"].items() if files} == {
        "FAILED",
        "SUCCEEDED",
    }


def test_only_what_cannot_run_twice_is_repeated(definition: dict[str, Any]) -> None:
    repeated = {
        name: {error for retry in state.get("Retry", ()) for error in retry["ErrorEquals"]}
        for name, state in states(definition)
    }
    assert {name: errors for name, errors in repeated.items() if errors} == {
        "In its sandbox": {"Retryable"},
        "Upload": {"States.TaskFailed"},
        "Run": LOST | {THROTTLED},
        "Stop": LOST | {THROTTLED},
    }
    run = dict(states(definition))["Run"]["Arguments"]["Payload"]
    assert run["idempotency_key"] == run["session"] == "{% $states.input.session %}"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("lambda:InvokeFunction", "function"),
        ("s3:ListBucket", "bucket"),
        ("s3:GetObject", "bucket/batches/sales-q3/a.txt"),
        ("s3:PutObject", "bucket/workspace/sales-q3-0/uploads/input"),
        ("s3:PutObject", "bucket/results/run/manifest.json"),
        ("states:StartExecution", "machine"),
    ],
)
def test_its_role_may_do_what_it_does(deployed: Deployed, action: str, resource: str) -> None:
    what, _, key = resource.partition("/")
    machine = deployed.outputs["StateMachineArn"]
    arns = {
        "function": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
        + deployed.physical_id("InvokeFunction"),
        "bucket": "arn:aws:s3:::" + deployed.outputs["WorkspaceBucketName"],
        "machine": machine,
    }
    role = deployed.client("stepfunctions").describe_state_machine(stateMachineArn=machine)[
        "roleArn"
    ]
    assert deployed.may(role.rpartition("/")[2], action, arns[what] + (f"/{key}" if key else ""))


def executed(deployed: Deployed, name: str, program: str) -> dict[str, Any]:
    client = deployed.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=deployed.outputs["StateMachineArn"],
        name=name,
        input=json.dumps({"inputs": FOLDER, "program": program}),
    )["executionArn"]
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        execution: dict[str, Any] = client.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING":
            return execution
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{name} still runs")


def stored(deployed: Deployed, key: str) -> Any:
    """The JSON in an object of the bucket."""
    bucket = deployed.outputs["WorkspaceBucketName"]
    return json.load(deployed.client("s3").get_object(Bucket=bucket, Key=key)["Body"])


def manifests(deployed: Deployed) -> set[str]:
    found = deployed.client("s3").list_objects_v2(
        Bucket=deployed.outputs["WorkspaceBucketName"], Prefix="results/"
    )["Contents"]
    return {one["Key"] for one in found if one["Key"].endswith("/manifest.json")}


def states(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state, those inside of others, too."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in [*state.get("Branches", ()), state.get("ItemProcessor")]:
            if inner is not None:
                yield from states(inner)
