"""Make MiniStack run state machines as Step Functions does.

The gaps:

- a distributed map with a ResultWriter writes its results to a bucket and returns their location.
  MiniStack writes nothing and returns the results;
- a Parallel state in JSONata returns its Output. MiniStack returns the array of its branches'
  results;
- an execution's input and the output of a state have at most 256 KiB. MiniStack has no limit.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import s3, stepfunctions

from local_aws.ministack_patches.requirements import require

# Step Functions' quotas: "Maximum input or output size for a task, state, or execution".
MAX_DATA_BYTES = 256 * 1024
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
TOLERANCE_EXCEEDED = "States.ExceedToleratedFailureThreshold"
# The fields that shape a state's output in JSONPath; they apply to the location of the results.
OUTPUT_FIELDS = ("ResultSelector", "ResultPath", "OutputPath")
# The members of each execution in a file of results, in the API's spelling. Those without a value
# are left out (Step Functions' developer guide, "ResultWriter (Map)").
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

# The functions that run a state and return its output.
STATES = ("_execute_map", "_execute_parallel", "_execute_pass", "_execute_task")
# The actions that start an execution.
STARTS = ("_start_execution", "_start_sync_execution")

REQUIRED = (
    *STATES,
    *STARTS,
    "_ExecutionError",
    "_apply_jsonata_output",
    "_apply_output_path",
    "_apply_result_path",
    "_apply_result_selector",
    "_convert_keys_to_sfn_convention",
    "_error_matches",
    "_executions",
    "_invoke_resource",
    "_map_runs",
    "_resolve_params_obj",
    "_run_distributed_map",
    "_run_parallel_branches",
    "_state_query_language",
)

State = dict[str, Any]
StateResult = tuple[Any, str | None]


def install() -> None:
    """Write the results of distributed maps, shape those of Parallel states, and limit sizes."""
    require(stepfunctions, REQUIRED)
    require(s3, ["_put_object"])
    stock_map = stepfunctions._run_distributed_map
    stock_branches = stepfunctions._run_parallel_branches

    def run_distributed_map(
        state: State, raw_input: Any, effective: Any, iterator: State, execution: State, ctx: State
    ) -> StateResult:
        writer = state.get("ResultWriter", {})
        if "Parameters" not in writer:
            stock: StateResult = stock_map(state, raw_input, effective, iterator, execution, ctx)
            return stock
        unshaped = {name: value for name, value in state.items() if name not in OUTPUT_FIELDS}
        unshaped.setdefault("Label", str(uuid.uuid4()))
        target = stepfunctions._resolve_params_obj(writer["Parameters"], effective, ctx)

        def written() -> State:
            return write_results(
                find_map_run(execution, unshaped["Label"]), target, writer.get("WriterConfig", {})
            )

        try:
            _, following = stock_map(unshaped, raw_input, effective, iterator, execution, ctx)
        except stepfunctions._ExecutionError as error:
            if error.error == TOLERANCE_EXCEEDED:
                written()
            raise
        result = stepfunctions._apply_result_selector(state, written())
        output = stepfunctions._apply_result_path(state, raw_input, result)
        return stepfunctions._apply_output_path(state, output, ctx), following

    def run_parallel_branches(
        state: State, raw_input: Any, execution: State, ctx: State
    ) -> StateResult:
        results, following = stock_branches(state, raw_input, execution, ctx)
        if stepfunctions._state_query_language(state, ctx) != "JSONata":
            return results, following
        output = stepfunctions._apply_jsonata_output(
            state, raw_input, ctx, result=results, default=results
        )
        return output, following

    stepfunctions._run_distributed_map = run_distributed_map
    stepfunctions._run_parallel_branches = run_parallel_branches
    limit_sizes()


def limit_sizes() -> None:
    """Refuse large inputs of executions, and end executions in which a state's data is large."""
    stock_invoke = stepfunctions._invoke_resource
    stock_matches = stepfunctions._error_matches

    def invoke_resource(resource: str, *arguments: Any) -> Any:
        result = stock_invoke(resource, *arguments)
        check_size(resource, result)
        return result

    def error_matches(wanted: list[str], error: str) -> bool:
        # States.ALL does not catch it (developer guide, "Handling errors").
        named = error != DATA_LIMIT_EXCEEDED or DATA_LIMIT_EXCEEDED in wanted
        return named and bool(stock_matches(wanted, error))

    stepfunctions._invoke_resource = invoke_resource
    stepfunctions._error_matches = error_matches
    for name in STATES:
        setattr(stepfunctions, name, with_limited_output(getattr(stepfunctions, name)))
    for name in STARTS:
        setattr(stepfunctions, name, with_limited_input(getattr(stepfunctions, name)))


def with_limited_output(stock: Callable[..., StateResult]) -> Callable[..., StateResult]:
    def execute(state: State, raw_input: Any, *arguments: Any) -> StateResult:
        context = arguments[-1] or {}
        name = context.get("State", {}).get("Name", "")
        output, following = stock(state, raw_input, *arguments)
        check_size(name, output)
        return output, following

    return execute


def with_limited_input(stock: Callable[[State], Any]) -> Callable[[State], Any]:
    def start(parameters: State) -> Any:
        if len(parameters.get("input", "").encode()) <= MAX_DATA_BYTES:
            return stock(parameters)
        return error_response_json(
            "ValidationException",
            "1 validation error detected: Value at 'input' failed to satisfy constraint: Member "
            f"must have length less than or equal to {MAX_DATA_BYTES}",
            400,
        )

    return start


def check_size(name: str, data: Any) -> None:
    """End the execution if the data of a state or task is too large."""
    size = len(json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode())
    if size > MAX_DATA_BYTES:
        raise stepfunctions._ExecutionError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{name}' returned a result with a size exceeding the maximum number "
            "of bytes service limit.",
        )


def find_map_run(execution: State, label: str) -> str:
    """Return the ARN of the last map run of the state with this label."""
    found: list[str] = [
        arn
        for arn, run in stepfunctions._map_runs.items()
        if run["executionArn"] == execution["executionArn"] and f"/{label}:" in arn
    ]
    return found[-1]


def write_results(arn: str, target: State, config: State) -> State:
    """Write a map run's results and their manifest, and return the map's result."""
    run_id = arn.rpartition(":")[2]
    folder = f"{target.get('Prefix', '').strip('/')}/{run_id}".lstrip("/")
    executions = [
        execution
        for execution in stepfunctions._executions.values()
        if execution.get("mapRunArn") == arn
    ]
    files: dict[str, list[State]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, entries in files.items():
        ended = [execution for execution in executions if execution["status"] == status]
        if ended:
            name, body = results_file(status, ended, config)
            put_object(target["Bucket"], f"{folder}/{name}", body)
            entries.append({"Key": f"{folder}/{name}", "Size": len(body)})
    manifest = {"DestinationBucket": target["Bucket"], "MapRunArn": arn, "ResultFiles": files}
    key = f"{folder}/manifest.json"
    put_object(target["Bucket"], key, json.dumps(manifest).encode())
    return {"MapRunArn": arn, "ResultWriterDetails": {"Bucket": target["Bucket"], "Key": key}}


def results_file(status: str, executions: list[State], config: State) -> tuple[str, bytes]:
    """Return the name and content of the file for executions that ended with `status`.

    Transformations apply to successful executions only; failed ones are written in full.
    """
    transformation = config.get("Transformation", "NONE") if status == "SUCCEEDED" else "NONE"
    results: list[Any] = [result_details(execution) for execution in executions]
    if transformation != "NONE":
        results = [json.loads(execution["output"]) for execution in executions]
    if transformation == "FLATTEN":
        parts = [output if isinstance(output, list) else [output] for output in results]
        results = [item for part in parts for item in part]
    if config.get("OutputType", "JSON") == "JSONL":
        return f"{status}_0.jsonl", "".join(
            json.dumps(result) + "\n" for result in results
        ).encode()
    return f"{status}_0.json", json.dumps(results).encode()


def result_details(execution: State) -> State:
    known = {name: execution[name] for name in DETAILS if execution.get(name) is not None}
    in_pascal_case: State = stepfunctions._convert_keys_to_sfn_convention(known)
    return in_pascal_case


def put_object(bucket: str, key: str, body: bytes) -> None:
    status, _, response = s3._put_object(bucket, key, body, {})
    if status >= 400:
        raise stepfunctions._ExecutionError("States.ResultWriterFailed", response.decode())
