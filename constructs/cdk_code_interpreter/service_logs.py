"""The logs that AgentCore itself writes about a code interpreter."""

from __future__ import annotations

from enum import Enum


class ServiceLog(Enum):
    """A kind of log that AgentCore delivers.

    `APPLICATION` has the requests and the results of every call, and with them your users' code,
    output and files: whoever may read the log group reads them all. `TRACES` are spans, which go to
    AWS X-Ray. `USAGE` is the CPU and memory that each session uses, by the second.
    """

    APPLICATION = "APPLICATION_LOGS"
    TRACES = "TRACES"
    USAGE = "USAGE_LOGS"
