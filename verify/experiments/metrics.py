"""The names of the service's metrics, on which alarms and the dashboard rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.experiment import NotTriedError, holds_if

if TYPE_CHECKING:
    from verify.context import Context
    from verify.experiment import Finding

NAMESPACE = "AWS/Bedrock-AgentCore"
OPERATIONS = ("StartCodeInterpreterSession", "InvokeCodeInterpreter")
NAMES = ("Invocations", "Latency", "SystemErrors", "Throttles", "UserErrors")


def metric_names(context: Context) -> Finding:
    """Look for the metrics of the deployed code interpreter by the names that the alarms have."""
    pages = context.client("cloudwatch").get_paginator("list_metrics")
    arn = context.outputs["CodeInterpreterArn"]
    found = {
        (metric["MetricName"], dimensions.get("Operation"))
        for metric in pages.paginate(Namespace=NAMESPACE).search("Metrics[]")
        for dimensions in [{one["Name"]: one["Value"] for one in metric["Dimensions"]}]
        if dimensions.get("Resource") == arn
    }
    if not found:
        names = {
            f"{metric['Namespace']} {metric['MetricName']}"
            for metric in pages.paginate().search("Metrics[]")
            if "AgentCore" in metric["Namespace"]
        }
        raise NotTriedError(
            f"no metric in {NAMESPACE} has Resource={arn} yet; it may take an hour after the "
            f"first call. Metrics of AgentCore: {', '.join(sorted(names)) or 'none'}"
        )
    wanted = {(name, operation) for name in NAMES for operation in OPERATIONS}
    missing = sorted(f"{name} of {operation}" for name, operation in wanted - found)
    listed = ", ".join(sorted(f"{name} of {operation}" for name, operation in found))
    # A metric without a value is not listed: errors and throttles may be missing for that reason.
    needed = {(name, operation) for name in ("Invocations", "Latency") for operation in OPERATIONS}
    return holds_if(needed <= found, f"found {listed}; without a value {', '.join(missing)}")
