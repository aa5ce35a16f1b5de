"""The metrics of a request, which are fields of its log line.

CloudWatch reads them from the log event, in its embedded metric format: "Specification: Embedded
metric format", Amazon CloudWatch user guide. Nothing is sent, and no line is added. The format
wants its member `_aws`, the metrics and the dimensions at the top of the event, which is where
Lambda's JSON log format puts the fields of a log record.

A dimension is the function's name, a tool or an error type, and nothing that a user sent.
CloudWatch charges each combination as a metric of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FUNCTION = "function_name"
TOOL = "tool"
ERROR_TYPE = "error_type"

# In every line. Their averages are the shares of the requests.
COUNTS = ("requests", "errors", "not_started")
# In the lines of requests that did it.
SANDBOXES_STARTED = "sandboxes_started"
SANDBOXES_RESTARTED = "sandboxes_restarted"
BYTES_COPIED = "bytes_copied"

ALWAYS = [
    *({"Name": name, "Unit": "Count"} for name in COUNTS),
    {"Name": "duration_ms", "Unit": "Milliseconds"},
]
SOMETIMES = {
    SANDBOXES_STARTED: {"Name": SANDBOXES_STARTED, "Unit": "Count"},
    SANDBOXES_RESTARTED: {"Name": SANDBOXES_RESTARTED, "Unit": "Count"},
    BYTES_COPIED: {"Name": BYTES_COPIED, "Unit": "Bytes"},
}
ERRORS = [{"Name": "errors", "Unit": "Count"}]


def metric_fields(
    namespace: str, function_name: str, fields: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """Return the members that make metrics of the fields of a log line.

    :param now: Seconds since the epoch.
    """
    error_type = fields.get(ERROR_TYPE)
    members: dict[str, Any] = {
        FUNCTION: function_name,
        "requests": 1,
        "errors": int(error_type is not None),
        "not_started": int(error_type == "NotStarted"),
    }
    # The response to another request, or a recorded one, can say so, too.
    if "session_restarted" in fields and SANDBOXES_STARTED in fields:
        members[SANDBOXES_RESTARTED] = 1
    sometimes = [metric for name, metric in SOMETIMES.items() if name in fields or name in members]
    by_function_and_tool = [[FUNCTION], [FUNCTION, TOOL]] if TOOL in fields else [[FUNCTION]]
    directives = [directive(namespace, by_function_and_tool, ALWAYS + sometimes)]
    if error_type is not None:
        directives.append(directive(namespace, [[FUNCTION, ERROR_TYPE]], ERRORS))
    members["_aws"] = {"Timestamp": round(now * 1000), "CloudWatchMetrics": directives}
    return members


def directive(
    namespace: str, dimensions: list[list[str]], metrics: list[dict[str, str]]
) -> dict[str, Any]:
    return {"Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics}
