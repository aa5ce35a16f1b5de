"""The example `many_inputs.py`, which the local AWS executes over five files.

The local AWS runs state machines without their role, so these tests ask IAM for its permissions.
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

# Errors of Lambda itself, after which the function may have run. CDK makes the state retry them,
# and the function's idempotency key makes that safe.
LAMBDA_ERRORS = {
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
    """Return the state machine's definition, with a string for each reference."""
    template = json.loads((assembly / "ManyInputs.template.json").read_text())
    [machine] = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    [_, parts] = machine["DefinitionString"]["Fn::Join"]
    text = "".join(part if isinstance(part, str) else "reference" for part in parts)
    return dict(json.loads(text))


@pytest.fixture(scope="module")
def deployed(assembly: Path, local_aws: LocalAws) -> Deployed:
    return Deployed.deploy(local_aws, ACCOUNT, assembly)


@pytest.fixture(scope="module")
def execution(deployed: Deployed) -> dict[str, Any]:
    """Execute the state machine over all inputs; AgentCore refuses to start one sandbox."""
    put_inputs(deployed, FOLDER, INPUTS)
    deployed.aws.agentcore.inject_fault(
        operation="StartCodeInterpreterSession",
        kind="error",
        error="ServiceQuotaExceededException",
    )
    return execute(deployed, NAME, PROGRAM, FOLDER)


@pytest.fixture(scope="module")
def results(deployed: Deployed, execution: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the contents of the files of results, by status."""
    where = json.loads(execution["output"])["ResultWriterDetails"]
    manifest = read_json(deployed, where["Key"])
    assert where["Key"].startswith("results/")
    return {
        status: [item for file in files for item in read_json(deployed, file["Key"])]
        for status, files in manifest["ResultFiles"].items()
    }


def test_the_results_are_gathered_in_the_bucket(
    execution: dict[str, Any], results: dict[str, list[Any]]
) -> None:
    assert execution["status"] == "SUCCEEDED", execution
    sums = {
        result["input"].removeprefix(FOLDER): result["output"] for result in results["SUCCEEDED"]
    }
    assert sums == {"a.txt": "6", "b.txt": "9", "c+ä&?.txt": "6", "e.txt": "15"}


def test_a_failed_input_is_listed_with_the_reason(results: dict[str, list[Any]]) -> None:
    [failed] = results["FAILED"]
    assert json.loads(failed["Input"])["key"] == f"{FOLDER}d.txt"
    assert failed["Error"] == "CodeFailed"
    assert "ValueError" in failed["Cause"]


@pytest.mark.usefixtures("execution")
def test_every_program_ran_once_although_a_sandbox_was_refused(deployed: Deployed) -> None:
    calls = deployed.calls()
    assert calls.count(("StartCodeInterpreterSession", None)) == len(INPUTS) + 1
    # The first code in each sandbox installs the observer.
    assert calls.count(("InvokeCodeInterpreter", "executeCode")) == 2 * len(INPUTS)


@pytest.mark.usefixtures("execution")
def test_every_input_had_a_sandbox_and_all_are_stopped(deployed: Deployed) -> None:
    assert [session["status"] for session in deployed.sessions()] == ["TERMINATED"] * len(INPUTS)


@pytest.mark.usefixtures("execution")
def test_a_retry_by_step_functions_does_not_run_the_program_again(deployed: Deployed) -> None:
    before = deployed.calls()
    response = deployed.invoke(
        deployed.physical_id("InvokeFunction"),
        {
            "tool": "execute_code",
            "session": f"{NAME}-0",
            "idempotency_key": f"{NAME}-0",
            "code": PROGRAM,
        },
    )
    assert (response["replayed"], response["stdout"]) == (True, "6")
    assert deployed.calls() == before


@pytest.mark.usefixtures("execution")
def test_too_many_failures_fail_the_execution_and_keep_the_results(deployed: Deployed) -> None:
    before = manifest_keys(deployed)
    put_inputs(deployed, "batches/two/", {"long.txt": "1 2 3", "short.txt": "6"})
    program = "assert len(open('input').read()) > 4"
    execution = execute(deployed, "only-long-lines", program, "batches/two/")
    assert (execution["status"], execution["error"]) == (
        "FAILED",
        "States.ExceedToleratedFailureThreshold",
    )
    [key] = manifest_keys(deployed) - before
    assert {
        status for status, files in read_json(deployed, key)["ResultFiles"].items() if files
    } == {
        "FAILED",
        "SUCCEEDED",
    }


def test_only_states_that_cannot_run_twice_are_retried(definition: dict[str, Any]) -> None:
    retried = {
        name: {error for retry in state.get("Retry", ()) for error in retry["ErrorEquals"]}
        for name, state in all_states(definition)
    }
    assert {name: errors for name, errors in retried.items() if errors} == {
        "In its sandbox": {"Retryable"},
        "Upload": {"States.TaskFailed"},
        "Run": LAMBDA_ERRORS | {THROTTLED},
        "Stop": LAMBDA_ERRORS | {THROTTLED},
    }
    run = dict(all_states(definition))["Run"]["Arguments"]["Payload"]
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
def test_the_role_allows_every_action_of_the_state_machine(
    deployed: Deployed, action: str, resource: str
) -> None:
    name, _, key = resource.partition("/")
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
    assert deployed.may(role.rpartition("/")[2], action, arns[name] + (f"/{key}" if key else ""))


def put_inputs(deployed: Deployed, folder: str, inputs: dict[str, str]) -> None:
    bucket = deployed.outputs["WorkspaceBucketName"]
    for name, content in inputs.items():
        deployed.client("s3").put_object(Bucket=bucket, Key=folder + name, Body=content.encode())


def execute(deployed: Deployed, name: str, program: str, folder: str) -> dict[str, Any]:
    client = deployed.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=deployed.outputs["StateMachineArn"],
        name=name,
        input=json.dumps({"inputs": folder, "program": program}),
    )["executionArn"]
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        execution: dict[str, Any] = client.describe_execution(executionArn=arn)
        if execution["status"] != "RUNNING":
            return execution
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"the execution {name} did not end")


def read_json(deployed: Deployed, key: str) -> Any:
    """Return the JSON document in an object of the bucket."""
    bucket = deployed.outputs["WorkspaceBucketName"]
    return json.load(deployed.client("s3").get_object(Bucket=bucket, Key=key)["Body"])


def manifest_keys(deployed: Deployed) -> set[str]:
    found = deployed.client("s3").list_objects_v2(
        Bucket=deployed.outputs["WorkspaceBucketName"], Prefix="results/"
    )["Contents"]
    return {entry["Key"] for entry in found if entry["Key"].endswith("/manifest.json")}


def all_states(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every state, including nested states."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in [*state.get("Branches", ()), state.get("ItemProcessor")]:
            if inner is not None:
                yield from all_states(inner)
