"""The application: an event in, a response out, one log line about it."""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from .clients import Bucket, Clients, CodeInterpreterClient, CurrentId, connect_ssm
from .deadline import Deadline
from .errors import DeniedError, NotStartedError, OutcomeUnknownError, RequestError
from .files.workspace import Workspace
from .metrics import BYTES_COPIED, SANDBOXES_STARTED, metric_fields
from .requests.callers import Caller, caller_of
from .requests.limits import replace_surrogates, share_of_limit
from .requests.request import Request, trace_members
from .sessions.named import NamedSession, RecordCache
from .sessions.store import SessionStore
from .sessions.temporary import TemporarySession
from .settings import Settings, trace_header
from .tools import implementation
from .tools.context import ToolContext
from .upkeep import is_upkeep, keep_up

if TYPE_CHECKING:
    from .responses import Response
    from .sandbox.observer import Program
    from .sessions.spare import Spare
    from .sessions.sweeper import SweepCache

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# The members of a response that are logged: ids and facts, nothing that a user sent or received.
LOGGED_MEMBERS = ("session", "session_id", "session_restarted", "replayed", "truncated")

LogFields = dict[str, Any]
P = ParamSpec("P")


class Application:
    """The function, for as long as its execution environment lives."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        connect_ssm: Callable[[], Any] = connect_ssm,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._current_id = CurrentId(
            settings.code_interpreter_id, settings.code_interpreter_parameter, connect_ssm
        )
        self._record_cache: RecordCache = {}
        self._sweep_cache: SweepCache = {}
        # A deployment that changes the function starts new execution environments. Lambda freezes
        # them between requests, perhaps with their monotonic clock.
        self._denials_may_pass_until = time.time() + settings.iam_propagation_seconds

    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """Handle an invocation; the event and context are Lambda's."""
        began_at = time.monotonic()
        deadline = Deadline(context.get_remaining_time_in_millis() / 1000)
        if is_upkeep(event, context, self._settings):
            return self._keep_up(context.aws_request_id, deadline, began_at)
        caller = caller_of(event, context)
        log_fields: LogFields = {"request_id": context.aws_request_id, "caller": caller.name}
        response = self._response_of(log_fields, self._respond, caller, deadline, log_fields)
        log(log_fields, response, time.monotonic() - began_at, self._settings)
        return replace_surrogates(caller.render(response))

    def _keep_up(self, request_id: str, deadline: Deadline, began_at: float) -> dict[str, Any]:
        """Do what the schedule asks for; the log line has its counts."""
        log_fields: LogFields = {"request_id": request_id, "caller": "Scheduler"}
        bucket = Bucket(self._clients, self._settings.workspace_bucket, deadline)
        code_interpreter = CodeInterpreterClient(
            self._clients, self._current_id, deadline, self._settings.owner
        )

        def work() -> Response:
            keep_up(
                self._settings, bucket, code_interpreter, deadline, log_fields, self._sweep_cache
            )
            return {"status": "ok"}

        response = self._response_of(log_fields, work)
        # The metrics are those of requests, whose shares it would change.
        without_metrics = self._settings._replace(metrics_namespace=None)
        log(log_fields, response, time.monotonic() - began_at, without_metrics)
        return dict(response)

    def _respond(self, caller: Caller, deadline: Deadline, log_fields: LogFields) -> Response:
        request = caller.request()
        log_fields["tool"] = request.tool.name
        bucket = Bucket(self._clients, self._settings.workspace_bucket, deadline)
        if request.idempotency_key is None:
            return self._run(request, caller, bucket, deadline, log_fields)
        from .idempotency import IdempotencyKey  # many requests have no key

        key = IdempotencyKey(request, bucket, self._settings.records_prefix, deadline)
        recorded = key.recorded_response()
        if recorded is not None:
            return recorded
        return key.record(self._run(request, caller, bucket, deadline, log_fields))

    def _run(
        self,
        request: Request,
        caller: Caller,
        bucket: Bucket,
        deadline: Deadline,
        log_fields: LogFields,
    ) -> Response:
        """Run the tool, and return a response that its caller can take."""
        code_interpreter = CodeInterpreterClient(
            self._clients,
            self._current_id,
            deadline,
            self._settings.owner,
            request.trace or trace_members(trace_header()),
        )
        name = request.session or f"call-{uuid.uuid4().hex}"
        workspace = Workspace(
            bucket,
            self._settings.workspace_prefix,
            name,
            allow_delete=self._settings.allow_delete,
            allow_links=self._settings.allow_links,
        )
        spare = self._spare(bucket, code_interpreter)
        session = self._session(request, name, workspace, code_interpreter, deadline, spare)
        context = ToolContext(
            session,
            workspace,
            code_interpreter,
            share_of_limit=lambda response: share_of_limit(session.describe(response), caller),
            request_id=request.id,
            find_program=lambda key: self._find_program(request.session, key, bucket),
            spare=spare,
        )
        tool = implementation(request.tool.name)
        response = self._response_of(log_fields, tool, context, **request.arguments)
        session.close()
        log_fields |= {
            name: count
            for name, count in (
                (SANDBOXES_STARTED, code_interpreter.sandboxes_started),
                (BYTES_COPIED, workspace.bytes_copied),
            )
            if count
        }
        return fit_to_caller(session.describe(response), caller, workspace)

    def _session(
        self,
        request: Request,
        name: str,
        workspace: Workspace,
        code_interpreter: CodeInterpreterClient,
        deadline: Deadline,
        spare: Spare | None,
    ) -> NamedSession | TemporarySession:
        options = self._settings.session_options
        if request.session is None:
            return TemporarySession(name, code_interpreter, options)
        return NamedSession(
            name,
            store=SessionStore(workspace.bucket, self._settings.records_prefix),
            code_interpreter=code_interpreter,
            workspace=workspace,
            deadline=deadline,
            options=options,
            cache=self._record_cache,
            timeout=request.arguments.get("timeout_seconds"),
            idle_limit=self._settings.idle_limit_seconds,
            spare=spare,
        )

    def _spare(self, bucket: Bucket, code_interpreter: CodeInterpreterClient) -> Spare | None:
        if not self._settings.warm_spare:
            return None
        from .sessions.spare import Spare  # few deployments have one

        prefix = self._settings.records_prefix
        return Spare(bucket, prefix, code_interpreter, self._settings.session_options)

    def _find_program(self, session: str | None, key: str, bucket: Bucket) -> Program | None:
        from .idempotency import find_program  # many requests have no key

        return find_program(session, key, bucket, self._settings.records_prefix)

    def _response_of(
        self, log_fields: LogFields, step: Callable[P, Response], *args: P.args, **kwargs: P.kwargs
    ) -> Response:
        """Return the response of a step's call, or the one that its error becomes.

        Errors become responses nowhere else.
        """
        try:
            return step(*args, **kwargs)
        except RequestError as error:
            if isinstance(error, DeniedError) and time.time() < self._denials_may_pass_until:
                error = NotStartedError(
                    f"{error.message}; soon after a deployment, IAM may not have propagated the "
                    "function's permissions yet",
                    **error.members,
                )
            return error.response()
        except Exception as defect:
            # The message may hold what a user sent.
            frame = traceback.extract_tb(defect.__traceback__)[-1]
            place = f"{type(defect).__name__} in {frame.name}, line {frame.lineno}"
            log_fields["failed_at"] = place
            return OutcomeUnknownError(
                f"the function failed unexpectedly ({place}); the code may have run"
            ).response()


def fit_to_caller(response: Response, caller: Caller, workspace: Workspace) -> Response:
    """Return the response in a form that its caller can take."""
    if "results" in response:
        from .requests.rich_results import fit_results  # few programs display values

        response = fit_results(response, caller, workspace)
    if share_of_limit(response, caller) <= 1:
        return response
    from .requests.truncation import truncate_to_limit  # few responses are too large

    return truncate_to_limit(response, caller, workspace)


def log(fields: LogFields, response: Response, seconds: float, settings: Settings) -> None:
    """Log one line of ids, counts and types; what a user sent or received is never logged."""
    fields |= {"status": response["status"], "duration_ms": round(seconds * 1000)}
    fields |= {name: value for name, value in response.items() if name in LOGGED_MEMBERS}
    if "error" in response:
        fields["error_type"] = response["error"]["type"]
    for member in ("files_saved", "files_loaded", "files_deleted"):
        if member in response:
            fields[member] = len(response[member])
    # As fields for Lambda's JSON log format, and as text for the other.
    text = " ".join(f"{name}={value}" for name, value in fields.items())
    if settings.metrics_namespace is not None:
        fields |= metric_fields(
            settings.metrics_namespace, settings.function_name, fields, time.time()
        )
    logger.info(text, extra=fields)
