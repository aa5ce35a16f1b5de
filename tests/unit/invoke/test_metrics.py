"""CloudWatch finds metrics in the log line, by the rules of its embedded metric format."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from code_interpreter_invoke.metrics import metric_fields
from code_interpreter_invoke.requests.tools import TOOLS
from tests.fakes.client_error import client_error
from tests.fakes.lambda_context import Context
from tests.fakes.world import World
from tests.unit.invoke.canaries import CANARY, EVENTS

NAMESPACE, FUNCTION = "CodeInterpreter", "invoke-1"
OF_EVERY_RECORD = vars(logging.makeLogRecord({})).keys()
# Lambda's JSON log format gives the event these members, and drops a field of the same name.
OF_LAMBDA = {
    "timestamp",
    "level",
    "message",
    "logger",
    "requestId",
    "stackTrace",
    "errorType",
    "errorMessage",
    "location",
    "tenantId",
}
NAME = {"type": "string", "pattern": "^[\x21-\x7e]+$", "maxLength": 250}
# The schema of "Specification: Embedded metric format", Amazon CloudWatch user guide, with the
# quotas of that page and of PutMetricData.
EMF = Draft202012Validator(
    {
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "additionalProperties": False,
                "properties": {
                    "Timestamp": {"type": "integer"},
                    "CloudWatchMetrics": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["Namespace", "Dimensions", "Metrics"],
                            "additionalProperties": False,
                            "properties": {
                                "Namespace": {**NAME, "not": {"pattern": "^AWS/"}},
                                "Dimensions": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "type": "array",
                                        "maxItems": 30,
                                        "uniqueItems": True,
                                        "items": NAME,
                                    },
                                },
                                "Metrics": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 100,
                                    "items": {
                                        "type": "object",
                                        "required": ["Name"],
                                        "additionalProperties": False,
                                        "properties": {
                                            "Name": NAME,
                                            "Unit": {"enum": ["Count", "Milliseconds", "Bytes"]},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            }
        },
    }
)


@pytest.fixture
def world(world: World, caplog: pytest.LogCaptureFixture) -> World:
    """Return services and a function that logs metrics."""
    caplog.set_level(logging.INFO)
    world.settings = world.settings._replace(metrics_namespace=NAMESPACE, function_name=FUNCTION)
    world.function = world.new_function()
    return world


def log_event(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Return the event that Lambda's JSON log format makes of the one log line."""
    [record] = caplog.records
    fields = {name: item for name, item in vars(record).items() if name not in OF_EVERY_RECORD}
    fields.pop("message", None)  # the capturing handler formats the record
    assert not fields.keys() & OF_LAMBDA
    event: dict[str, Any] = json.loads(json.dumps({"message": record.getMessage(), **fields}))
    return event


def metrics(event: dict[str, Any]) -> dict[tuple[str, ...], dict[str, float]]:
    """Return the metrics that CloudWatch extracts, by the values of their dimensions."""
    EMF.validate(event)
    assert abs(event["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for directive in event["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == NAMESPACE
        for dimensions in directive["Dimensions"]:
            values = tuple(event[name] for name in dimensions)
            assert all(isinstance(value, str) and 1 <= len(value) <= 1024 for value in values)
            of_set = found.setdefault(values, {})
            for metric in directive["Metrics"]:
                assert isinstance(event[metric["Name"]], int)
                assert metric["Name"] not in of_set
                of_set[metric["Name"]] = event[metric["Name"]]
    for of_set in found.values():
        of_set.pop("duration_ms", None)
    return found


def test_a_request_counts_by_function_and_tool(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.s3.upload("s", "data.csv", b"12345")
    world.ok(
        "execute_code",
        session="s",
        code="(here / 'a').write_text('abc')",
        output_filename="a",
    )
    counts = {
        "requests": 1,
        "errors": 0,
        "not_started": 0,
        "sandboxes_started": 1,
        "bytes_copied": 8,
    }
    event = log_event(caplog)
    assert metrics(event) == {(FUNCTION,): counts, (FUNCTION, "execute_code"): counts}
    units = {
        metric["Name"]: metric["Unit"]
        for metric in event["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert (units["duration_ms"], units["bytes_copied"]) == ("Milliseconds", "Bytes")


def test_a_large_file_counts_in_both_directions(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    size = 20_000_000
    world.s3.upload("s", "large.bin", bytes(size))
    world.ok("ci_push_to_workspace", session="s", paths=["large.bin"])
    assert log_event(caplog)["bytes_copied"] == 2 * size


def test_an_error_counts_by_its_type_and_a_restart_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.end_all()
    caplog.clear()
    world("execute_code", session="s", code="1/0")
    found = metrics(log_event(caplog))
    assert found[FUNCTION, "CodeFailed"] == {"errors": 1}
    assert found[FUNCTION,] == {
        "requests": 1,
        "errors": 1,
        "not_started": 0,
        "sandboxes_started": 1,
        "sandboxes_restarted": 1,
    }


def test_a_recorded_response_counts_no_second_restart(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    world.agentcore.end_all()
    for _ in range(2):
        caplog.clear()
        world.ok("execute_code", session="s", code="x = 2", idempotency_key="k")
    event = log_event(caplog)
    assert event["session_restarted"] and event["replayed"]
    assert metrics(event)[FUNCTION,] == {"requests": 1, "errors": 0, "not_started": 0}


def test_the_average_of_not_started_is_its_share(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def deny(operation: str, _detail: str) -> None:
        raise client_error("ServiceQuotaExceededException", 402, operation)

    world.agentcore.before = deny
    response = world("execute_code", session="s", code="x = 1")
    assert response["error"]["type"] == "NotStarted"
    assert metrics(log_event(caplog))[FUNCTION,]["not_started"] == 1


def test_a_request_without_a_tool_has_no_such_dimension(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.function({"tool": CANARY}, Context())
    event = log_event(caplog)
    assert metrics(event).keys() == {(FUNCTION,), (FUNCTION, "InvalidRequest")}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["tool"])
def test_nothing_of_a_users_is_a_dimension_or_a_metric(
    world: World, caplog: pytest.LogCaptureFixture, event: dict[str, Any]
) -> None:
    world.function({"session": "of-the-user", **event}, Context(5))
    logged = log_event(caplog)
    assert CANARY not in json.dumps(logged)
    for values in metrics(logged):
        assert set(values[1:]) <= {*TOOLS, logged.get("error_type")}


def test_without_a_namespace_a_line_has_no_metrics(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.settings = world.settings._replace(metrics_namespace=None)
    world.new_function()({"tool": "execute_code", "code": "x = 1"}, Context())
    event = log_event(caplog)
    assert event.keys() & {"_aws", "requests", "function_name"} == set()
    assert event["sandboxes_started"] == 1


def test_the_text_of_a_line_has_no_metrics(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.ok("execute_code", session="s", code="x = 1")
    text = caplog.records[0].getMessage()
    assert "_aws" not in text
    assert "sandboxes_started=1" in text


def test_metrics_cost_microseconds() -> None:
    """The line is written in every request."""
    fields = {"tool": "execute_code", "error_type": "CodeFailed", "session": "s"}
    count = 2_000
    began_at = time.process_time()
    for _ in range(count):
        json.dumps(metric_fields(NAMESPACE, FUNCTION, fields, 1.0))
    assert (time.process_time() - began_at) / count < 0.0003
