"""The function's settings: the only module that reads the environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any, NamedTuple


class Settings(NamedTuple):
    """The settings that the `InvokeFunction` construct made at deployment.

    `workspace_prefix` begins the keys of all sessions' files. `records_prefix` begins the keys of
    session and idempotency records, and ends with a slash; it names the deployment and the code
    interpreter, and stays the same when that is replaced. `allow_delete` says whether the function
    has the permission to delete files, and `allow_links` whether the bucket takes its presigned
    URLs from outside of the sandboxes' network. `iam_propagation_seconds` is how long after a
    deployment IAM may not know the function's permissions yet. With a `metrics_namespace`, the log
    lines have metrics of the function `function_name`. `idle_limit_seconds` is the time without use
    after which the sweeper stops a session's sandbox, 0 for never. `warm_spare` says whether there
    is to be a started sandbox for the next session.
    """

    code_interpreter_id: str
    workspace_bucket: str
    workspace_prefix: str
    records_prefix: str
    session_timeout_seconds: int
    allow_delete: bool = False
    allow_links: bool = True
    code_interpreter_parameter: str | None = None
    iam_propagation_seconds: float = 0.0
    metrics_namespace: str | None = None
    function_name: str = ""
    idle_limit_seconds: int = 0
    warm_spare: bool = False

    @property
    def session_options(self) -> Mapping[str, Any]:
        """The options of sessions for which no others are asked."""
        return {"sessionTimeoutSeconds": self.session_timeout_seconds}

    @property
    def owner(self) -> str:
        """A digest of the records' place, which marks the function's sandboxes among others'."""
        place = f"{self.workspace_bucket}/{self.records_prefix}"
        return hashlib.sha256(place.encode()).hexdigest()[:16]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        :raises ValueError: if one is missing or wrong.
        """

        def required(name: str) -> str:
            value = environment.get(name, "")
            if not value:
                raise ValueError(f"environment variable {name} is not set")
            return value

        timeout = required("SESSION_TIMEOUT_SECONDS")
        # The limits of StartCodeInterpreterSession in the API model.
        if not timeout.isascii() or not timeout.isdigit() or not 1 <= int(timeout) <= 28800:
            raise ValueError(
                f"environment variable SESSION_TIMEOUT_SECONDS is {timeout!r}; "
                "it must be a whole number from 1 to 28800"
            )
        return cls(
            code_interpreter_id=required("CODE_INTERPRETER_ID"),
            workspace_bucket=required("WORKSPACE_BUCKET"),
            workspace_prefix=environment.get("WORKSPACE_PREFIX") or "workspace",
            records_prefix=required("RECORDS_PREFIX"),
            session_timeout_seconds=int(timeout),
            allow_delete=environment.get("ALLOW_DELETE") == "true",
            allow_links=environment.get("ALLOW_LINKS") != "false",
            code_interpreter_parameter=environment.get("CODE_INTERPRETER_PARAMETER"),
            # Users report up to 322 seconds. The local AWS, whose IAM has no delay, sets none.
            iam_propagation_seconds=float(environment.get("IAM_PROPAGATION_SECONDS", "400")),
            metrics_namespace=environment.get("METRICS_NAMESPACE"),
            function_name=environment.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            idle_limit_seconds=int(environment.get("IDLE_LIMIT_SECONDS", "0")),
            warm_spare=environment.get("WARM_SPARE") == "true",
        )


def trace_header(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return X-Ray's header for the invocation, which Lambda sets anew for each of them."""
    return environment.get("_X_AMZN_TRACE_ID")
