"""Makes MiniStack run state machines as Step Functions does.

Each patch closes one gap of the stock engine:

- a distributed map with a ResultWriter puts its results into a bucket and passes on where they
  are; stock MiniStack writes nothing and passes on the results;
- the Output of a Parallel state in JSONata is what it passes on; stock MiniStack passes on the
  array of its branches' results.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from ministack.services import s3, stepfunctions

from local_aws.ministack_patches.requirements import require

TOO_MANY_FAILED = "States.ExceedToleratedFailureThreshold"
# What shapes the output of a state in JSONPath; it is applied to where the results are.
SHAPING = ("ResultSelector", "ResultPath", "OutputPath")
# What a file of results has of each execution, as far as there is a value (Step Functions'
# developer guide, "ResultWriter (Map)"), as its API spells them.
DETAILS = (
    "executionArn",
    "input",
    "inputDetails",
    "name",
    "output",
    "outputDetails",
    "error",
    "cause",
    "startDate",
    "stateMachineArn",
    "status",
    "stopDate",
)

REQUIRED = (
    "_ExecutionError",
    "_apply_jsonata_output",
    "_apply_output_path",
    "_apply_result_path",
    "_apply_result_selector",
    "_convert_keys_to_sfn_convention",
    "_executions",
    "_map_runs",
    "_resolve_params_obj",
    "_run_distributed_map",
    "_run_parallel_branches",
    "_state_query_language",
)

State = dict[str, Any]
Passed = tuple[Any, str | None]


def install() -> None:
    """Write the results of distributed maps, and shape those of Parallel states."""
    require(stepfunctions, REQUIRED)
    require(s3, ["_put_object"])
    stock_map = stepfunctions._run_distributed_map
    stock_branches = stepfunctions._run_parallel_branches

    def run_distributed_map(
        state: State, raw_input: Any, effective: Any, iterator: State, execution: State, ctx: State
    ) -> Passed:
        writer = state.get("ResultWriter", {})
        if "Parameters" not in writer:
            passed: Passed = stock_map(state, raw_input, effective, iterator, execution, ctx)
            return passed
        unshaped = {name: value for name, value in state.items() if name not in SHAPING}
        unshaped.setdefault("Label", str(uuid.uuid4()))
        target = stepfunctions._resolve_params_obj(writer["Parameters"], effective, ctx)

        def written() -> State:
            return write_results(
                map_run(execution, unshaped["Label"]), target, writer.get("WriterConfig", {})
            )

        try:
            _, following = stock_map(unshaped, raw_input, effective, iterator, execution, ctx)
        except stepfunctions._ExecutionError as error:
            if error.error == TOO_MANY_FAILED:
                written()
            raise
        result = stepfunctions._apply_result_selector(state, written())
        output = stepfunctions._apply_result_path(state, raw_input, result)
        return stepfunctions._apply_output_path(state, output, ctx), following

    def run_parallel_branches(state: State, raw_input: Any, execution: State, ctx: State) -> Passed:
        results, following = stock_branches(state, raw_input, execution, ctx)
        if stepfunctions._state_query_language(state, ctx) != "JSONata":
            return results, following
        output = stepfunctions._apply_jsonata_output(
            state, raw_input, ctx, result=results, default=results
        )
        return output, following

    stepfunctions._run_distributed_map = run_distributed_map
    stepfunctions._run_parallel_branches = run_parallel_branches


def map_run(execution: State, label: str) -> str:
    """The ARN of the last map run of the state with this label."""
    found: list[str] = [
        arn
        for arn, run in stepfunctions._map_runs.items()
        if run["executionArn"] == execution["executionArn"] and f"/{label}:" in arn
    ]
    return found[-1]


def write_results(arn: str, target: State, config: State) -> State:
    """Write the results of a map run, and a manifest of them; what the map passes on."""
    run_id = arn.rpartition(":")[2]
    folder = f"{target.get('Prefix', '').strip('/')}/{run_id}".lstrip("/")
    executions = [one for one in stepfunctions._executions.values() if one.get("mapRunArn") == arn]
    files: dict[str, list[State]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, listed in files.items():
        ended = [one for one in executions if one["status"] == status]
        if ended:
            name, body = results_file(status, ended, config)
            put(target["Bucket"], f"{folder}/{name}", body)
            listed.append({"Key": f"{folder}/{name}", "Size": len(body)})
    manifest = {"DestinationBucket": target["Bucket"], "MapRunArn": arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    put(target["Bucket"], key, json.dumps(manifest).encode())
    return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": target["Bucket"], "Key": key}}


def results_file(status: str, executions: list[State], config: State) -> tuple[str, bytes]:
    """The name and content of the file of the executions that ended so.

    What failed is written in full, whatever the transformation.
    """
    transformation = config.get("Transformation", "NONE") if status == "SUCCEEDED" else "NONE"
    results: list[Any] = [details(one) for one in executions]
    if transformation != "NONE":
        results = [json.loads(one["output"]) for one in executions]
    if transformation == "FLATTEN":
        parts = [one if isinstance(one, list) else [one] for one in results]
        results = [item for part in parts for item in part]
    if config.get("OutputType", "JSON") == "JSONL":
        return f"{status}_0.jsonl", "".join(json.dumps(one) + "\n" for one in results).encode()
    return f"{status}_0.json", json.dumps(results).encode()


def details(execution: State) -> State:
    known = {name: execution[name] for name in DETAILS if execution.get(name) is not None}
    in_pascal_case: State = stepfunctions._convert_keys_to_sfn_convention(known)
    return in_pascal_case


def put(bucket: str, key: str, body: bytes) -> None:
    status, _, answer = s3._put_object(bucket, key, body, {})
    if status >= 400:
        raise stepfunctions._ExecutionError("States.ResultWriterFailed", answer.decode())
