"""State machines in the local AWS follow Step Functions' developer guide."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from local_aws import LocalAws

BUCKET = "results-of-maps"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ITEMS = [[1], [2, 3], "no list"]
TIMEOUT_SECONDS = 20
POLL_SECONDS = 0.05


class StateMachine:
    """A state machine that has one state."""

    def __init__(self, aws: LocalAws, account: str, state: dict[str, Any]) -> None:
        self.bucket = f"{BUCKET}-{account}"
        self.s3 = aws.client("s3", account)
        self.states = aws.client("stepfunctions", account)
        role = aws.client("iam", account).create_role(
            RoleName="role", AssumeRolePolicyDocument=json.dumps(TRUST)
        )["Role"]
        definition = {"StartAt": "Only", "States": {"Only": {**state, "End": True}}}
        self.arn = self.states.create_state_machine(
            name="machine", definition=json.dumps(definition), roleArn=role["Arn"]
        )["stateMachineArn"]

    def execute(self, given: Any) -> dict[str, Any]:
        arn = self.states.start_execution(stateMachineArn=self.arn, input=json.dumps(given))[
            "executionArn"
        ]
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            execution: dict[str, Any] = self.states.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                return execution
            time.sleep(POLL_SECONDS)
        raise AssertionError("the execution did not end")

    def stored(self, key: str) -> str:
        return str(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode())

    def files(self) -> list[str]:
        """Return the names of all objects in the bucket, without their folders."""
        found = self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]
        return sorted(entry["Key"].rpartition("/")[2] for entry in found)


def distributed_map(account: str, **more: Any) -> dict[str, Any]:
    """Return a map that fails for strings and returns every other item."""
    is_text = {"Variable": "$", "IsString": True, "Next": "Fail"}
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Choice",
            "States": {
                "Choice": {"Type": "Choice", "Choices": [is_text], "Default": "Pass"},
                "Pass": {"Type": "Pass", "End": True},
                "Fail": {"Type": "Fail", "Error": "Text", "Cause": "it is text"},
            },
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": f"{BUCKET}-{account}", "Prefix.$": "$.prefix"},
            **more.pop("writer", {}),
        },
        "ToleratedFailureCount": 1,
        **more,
    }


@pytest.mark.parametrize(
    ("config", "succeeded"),
    [
        # Either of the two executions may end first.
        (
            {"Transformation": "COMPACT", "OutputType": "JSON"},
            {"[[1], [2, 3]]", "[[2, 3], [1]]"},
        ),
        ({"Transformation": "FLATTEN", "OutputType": "JSON"}, {"[1, 2, 3]", "[2, 3, 1]"}),
        (
            {"Transformation": "COMPACT", "OutputType": "JSONL"},
            {"[1]\n[2, 3]\n", "[2, 3]\n[1]\n"},
        ),
    ],
    ids=lambda given: "-".join(given.values()) if isinstance(given, dict) else "",
)
def test_a_result_writer_writes_successful_results_in_its_format(
    local_aws: LocalAws, account: str, config: dict[str, str], succeeded: set[str]
) -> None:
    state = distributed_map(account, writer={"WriterConfig": config}, ResultPath="$.written")
    machine = StateMachine(local_aws, account, state)
    machine.s3.create_bucket(Bucket=machine.bucket)
    execution = machine.execute({"items": ITEMS, "prefix": "of/it/"})
    assert execution["status"] == "SUCCEEDED", execution
    output = json.loads(execution["output"])
    assert output["items"] == ITEMS
    details = output["written"]["ResultWriterDetails"]
    [run] = machine.states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    assert output["written"]["MapRunArn"] == run["mapRunArn"]
    folder = f"of/it/{run['mapRunArn'].rpartition(':')[2]}"
    assert details == {"Bucket": machine.bucket, "Key": f"{folder}/manifest.json"}

    manifest = json.loads(machine.stored(details["Key"]))
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (
        machine.bucket,
        run["mapRunArn"],
    )
    files = manifest["ResultFiles"]
    assert set(files) == {"SUCCEEDED", "FAILED", "PENDING"}
    [file] = files["SUCCEEDED"]
    written = machine.stored(file["Key"])
    assert written in succeeded
    assert file["Size"] == len(written)
    [file] = files["FAILED"]
    assert "it is text" in machine.stored(file["Key"])
    assert files["PENDING"] == []


def test_without_a_configuration_executions_are_written_in_full(
    local_aws: LocalAws, account: str
) -> None:
    machine = StateMachine(local_aws, account, distributed_map(account, Label="Label"))
    machine.s3.create_bucket(Bucket=machine.bucket)
    execution = machine.execute({"items": ITEMS, "prefix": ""})
    details = json.loads(execution["output"])["ResultWriterDetails"]
    files = json.loads(machine.stored(details["Key"]))["ResultFiles"]
    assert not details["Key"].startswith("/")
    [first, second] = json.loads(machine.stored(files["SUCCEEDED"][0]["Key"]))
    assert (first["Input"], first["Output"], first["Status"]) == ("[1]", "[1]", "SUCCEEDED")
    assert (first["InputDetails"], first["OutputDetails"]) == ({"Included": True},) * 2
    assert {"ExecutionArn", "Name", "StartDate", "StateMachineArn", "StopDate"} <= set(first)
    assert second["Input"] == "[2, 3]"
    [failed] = json.loads(machine.stored(files["FAILED"][0]["Key"]))
    assert (failed["Error"], failed["Cause"], failed["Status"]) == ("Text", "it is text", "FAILED")
    assert "Output" not in failed


def test_results_are_written_even_if_too_many_executions_fail(
    local_aws: LocalAws, account: str
) -> None:
    machine = StateMachine(local_aws, account, distributed_map(account))
    machine.s3.create_bucket(Bucket=machine.bucket)
    execution = machine.execute({"items": ["a", "b", 1], "prefix": "of-it"})
    assert execution["error"] == "States.ExceedToleratedFailureThreshold"
    assert machine.files() == ["FAILED_0.json", "SUCCEEDED_0.json", "manifest.json"]


def test_results_that_cannot_be_written_fail_the_state(local_aws: LocalAws, account: str) -> None:
    machine = StateMachine(local_aws, account, distributed_map(account))
    execution = machine.execute({"items": [1], "prefix": ""})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.ResultWriterFailed")


def test_a_map_without_a_result_writer_returns_its_results(
    local_aws: LocalAws, account: str
) -> None:
    state = distributed_map(account)
    del state["ResultWriter"]
    execution = StateMachine(local_aws, account, state).execute({"items": [1, 2]})
    assert json.loads(execution["output"]) == [1, 2]


def test_a_parallel_state_in_jsonata_returns_its_output(local_aws: LocalAws, account: str) -> None:
    branch = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    state = {
        "Type": "Parallel",
        "QueryLanguage": "JSONata",
        "Branches": [branch, branch],
        "Output": "{% $states.result[1].number + $states.input.number %}",
    }
    execution = StateMachine(local_aws, account, state).execute({"number": 21})
    assert json.loads(execution["output"]) == 42


LARGEST = 256 * 1024


@pytest.mark.parametrize(("size", "status"), [(LARGEST, "SUCCEEDED"), (LARGEST + 1, "FAILED")])
def test_a_state_whose_output_exceeds_the_quota_fails(
    local_aws: LocalAws, account: str, size: int, status: str
) -> None:
    # The state adds ten bytes to its input: {"more":""} around it.
    text = "a" * (size - len('{"more":""}'))
    state = {"Type": "Pass", "Parameters": {"more.$": "$"}}
    machine = StateMachine(local_aws, account, state)
    execution = machine.execute(text)
    assert execution["status"] == status
    if status == "FAILED":
        assert (execution["error"], execution["cause"]) == (
            "States.DataLimitExceeded",
            "The state/task 'Only' returned a result with a size exceeding the maximum number of "
            "bytes service limit.",
        )


def test_a_branch_that_exceeds_the_quota_is_not_caught_by_all(
    local_aws: LocalAws, account: str
) -> None:
    large = {"Type": "Pass", "Parameters": {"twice.$": "States.Array($, $)"}, "End": True}
    state = {
        "Type": "Parallel",
        "Branches": [{"StartAt": "Large", "States": {"Large": large}}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Only"}],
    }
    execution = StateMachine(local_aws, account, state).execute("a" * 200_000)
    assert (execution["status"], execution["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_an_input_above_the_quota_is_refused(local_aws: LocalAws, account: str) -> None:
    machine = StateMachine(local_aws, account, {"Type": "Pass", "Result": 1})
    assert machine.execute("a" * (LARGEST - 2))["output"] == "1"
    with pytest.raises(ClientError, match=r"ValidationException.*less than or equal to 262144"):
        machine.execute("a" * (LARGEST - 1))
