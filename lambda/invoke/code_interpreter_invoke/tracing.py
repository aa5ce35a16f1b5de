"""The trace of an invocation, for AgentCore."""

from __future__ import annotations

import re

# "AWS X-Ray concepts", AWS X-Ray developer guide: a trace header whose trace is recorded.
SAMPLED = re.compile("Root=1-([0-9a-f]{8})-([0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1")


def trace_members(header: str | None) -> dict[str, str]:
    """Return the trace members of the AgentCore API for X-Ray's header, if it is sampled.

    The whole header is the `traceId`: what follows the trace lets AWS find endless loops of calls.
    `traceParent` is the same trace in the words of W3C Trace Context.
    """
    sampled = SAMPLED.match(header) if header else None
    if header is None or sampled is None:
        return {}
    return {"traceId": header, "traceParent": f"00-{sampled[1]}{sampled[2]}-{sampled[3]}-01"}
