"""The names and figures that the experiments share with the stacks that they deploy."""

from __future__ import annotations

# The tag that the policies of the stack Permissions depend on; its value is the run's id.
RUN_TAG = "verify-run"
# The headers that the library's Gateway target hands over.
HEADERS = ["x-code-interpreter-session", "traceparent"]
# The function's timeout in the stack Function.
FUNCTION_SECONDS = 1080
