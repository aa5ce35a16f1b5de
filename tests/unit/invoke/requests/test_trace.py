"""Where X-Ray traces the function, its trace reaches AgentCore."""

from __future__ import annotations

import pytest

from code_interpreter_invoke.requests.request import trace_members
from tests.fakes.world import World

HEADER = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0"
MEMBERS = {
    "traceId": HEADER,
    "traceParent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
}


def test_the_functions_trace_reaches_agentcore(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    world.ok("execute_code", code="x = 1")
    assert world.agentcore.trace == MEMBERS
    assert world.agentcore.started_with == {"sessionTimeoutSeconds": 900, **MEMBERS}


def test_the_callers_own_trace_has_priority(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    world.ok("execute_code", code="x = 1", trace_parent="00-ab-cd-01")
    assert world.agentcore.trace == {"traceParent": "00-ab-cd-01"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Root=1-5759e988-bd862e3fe1be46a994272793",
        HEADER.replace("Sampled=1", "Sampled=0"),
        "Self=1-2",
    ],
)
def test_a_trace_that_is_not_recorded_is_left_out(header: str | None) -> None:
    assert trace_members(header) == {}
