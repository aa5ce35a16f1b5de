"""States of a state machine for commands that run longer than a Lambda function can."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.validation import check_duration, check_pattern
from .invoke_function import InvokeFunction
from .limits import MAX_SESSION_SECONDS, SESSION_NAME_PATTERN

# A command ends with its session.
_MAX_TIMEOUT_SECONDS = MAX_SESSION_SECONDS
_DEFAULT_TIMEOUT = Duration.seconds(_MAX_TIMEOUT_SECONDS)
_DEFAULT_POLL_INTERVAL = Duration.seconds(15)

# An execution has at most 25,000 events, and each poll takes 9. The rest is for other states and
# for repeated requests.
_MAX_POLLS = 2_500

# Seconds from the timeout until the sandbox itself ends the command. The state machine stops it
# first, unless the execution was aborted or polls seldom.
_GRACE_SECONDS = 60
_KILL_SECONDS = 10
# The exit codes of a command that timeout(1) has ended.
_ENDED_CODES = "[124, 137]"

_MAX_CAUSE_LENGTH = 500

# Every state but the first has the fragment's own data as its input. Until the command is started:
# session, command, key and timeout_seconds. From then on: session, task_id, deadline (in
# milliseconds), the invoke function's last response, and the failure of a request for the status.
# JSONata leaves a member out of an object if its expression finds nothing.
_INPUT = "$states.input"
_PAYLOAD = "$states.result.Payload"
_RESPONSE = f"{_INPUT}.response"
_RESULT = f"{_RESPONSE}.structuredContent"
_AFTER_START = f"""{{% {{
    "session": {_INPUT}.session,
    "task_id": {_PAYLOAD}.structuredContent.taskId,
    "deadline": $millis() + {_INPUT}.timeout_seconds * 1000,
    "response": {_PAYLOAD}
}} %}}"""
_AFTER_POLL = f"""{{% {{
    "session": {_INPUT}.session,
    "task_id": {_INPUT}.task_id,
    "deadline": {_INPUT}.deadline,
    "response": {_PAYLOAD}
}} %}}"""
_COMPLETED = f"{_RESPONSE}.status = 'ok' and {_RESULT}.taskStatus = 'completed'"
# An error of the request says nothing about the command.
_RUNNING = (
    f"$exists({_INPUT}.task_id) and ({_RESULT}.taskStatus in ['submitted', 'working'] or "
    f"{_RESPONSE}.error.type in ['NotStarted', 'OutcomeUnknown', 'TimedOut'])"
)
_OUTPUT = f"""{{% {{
    "session": {_INPUT}.session,
    "task_id": {_INPUT}.task_id,
    "exit_code": {_RESULT}.exitCode,
    "stdout": {_RESULT}.stdout,
    "stderr": {_RESULT}.stderr,
    "execution_time": {_RESULT}.executionTime
}} %}}"""
_ESCAPED_QUOTE = json.dumps(r"'\''")
# The sandbox ends the command if nobody else does. Without timeout(1), it just runs.
_LIMITED_COMMAND = (
    "{% "
    + " & ".join(
        [
            json.dumps("""set -- "${BASH:-sh}" -c '"""),
            f"""$replace({_INPUT}.command, "'", {_ESCAPED_QUOTE})""",
            json.dumps(f"'; command -v timeout >/dev/null && set -- timeout -k {_KILL_SECONDS} "),
            f"$string({_INPUT}.timeout_seconds + {_GRACE_SECONDS})",
            json.dumps(""" "$@"; exec "$@\""""),
        ]
    )
    + " %}"
)
_FAILURE = f"{_INPUT}.failure"
_AFTER_FAILURE = f"{{% $merge([{_INPUT}, {{'failure': $states.errorOutput}}]) %}}"
_UNCHANGED = f"{{% {_INPUT} %}}"
_IN_TIME = f"$millis() < {_INPUT}.deadline"
_TOOK_TOO_LONG = f"(({_RUNNING}) or {_RESULT}.exitCode in {_ENDED_CODES}) and $not({_IN_TIME})"
_ERROR = (
    f"{{% {_RESULT}.taskStatus = 'canceled' ? 'Canceled' : "
    f"$exists({_FAILURE}) ? {_FAILURE}.Error : "
    f"{_TOOK_TOO_LONG} ? 'TimedOut' : "
    f"$exists({_RESPONSE}.error.type) ? {_RESPONSE}.error.type : 'CodeFailed' %}}"
)
# The service puts all output of a failed command into its standard error.
_CAUSE = f"""{{% (
    $lines := $split({_RESULT}.stderr, "\n")[$trim($) != ""];
    $last := $count($lines) > 0 ? ": " & $substring($trim($lines[-1]), 0, {_MAX_CAUSE_LENGTH});
    $exists({_FAILURE}) ? $substring(
        "the request for the status failed: " & {_FAILURE}.Cause, 0, {_MAX_CAUSE_LENGTH}
    ) :
    {_TOOK_TOO_LONG} ? "the command took longer than its timeout" :
    $exists({_RESULT}.exitCode) ? "exit code " & $string({_RESULT}.exitCode) & $last :
    $exists({_RESPONSE}.error.message)
        ? $substring({_RESPONSE}.error.message, 0, {_MAX_CAUSE_LENGTH}) :
    "the command is " & {_RESULT}.taskStatus
) %}}"""


class CommandTask(sfn.StateMachineFragment):
    """Define states that start a command in the background of a session and wait for its end.

    The output of the states has the command's `session`, `task_id`, `exit_code`, `stdout`,
    `stderr` and `execution_time`, unless the service leaves one of them out. Step Functions
    accepts responses up to 256 KiB, and a response contains the output twice: a command that
    prints more than 100 KiB should write a file instead.

    The execution fails with one of these errors. The cause of `CodeFailed` is the exit code and the
    last line of the command's standard error, that of the others is a message:

    - `CodeFailed`: the command ended with an exit code other than 0.
    - `Canceled`: somebody stopped the command.
    - `TimedOut`: the command ran longer than `timeout`, and the state machine stopped it.
    - `NotFound`: the session ended before the command.
    - `NotStarted`, `InvalidRequest`: the command was not started.
    - `OutcomeUnknown`: the command may have been started.
    - an error of Lambda or Step Functions: the function could not be asked, and the state machine
      stopped the command.

    If the execution itself is stopped, nothing of it is left to stop the command: the sandbox ends
    it one minute after its `timeout`.

    To catch an error, or to keep the input of the states, turn the fragment into a single state
    with `to_single_state()`. The command is started once, even if Step Functions repeats a request.

    :param function: The function that runs the command. The state machine may invoke it.
    :param session: The session's name: text, or a JSONata or JSONPath expression on the input of
        the fragment. A session without a sandbox gets a new sandbox. The command ends with the
        sandbox: if it can run longer than the function's `session_timeout`, start the session with
        the tool `start_session` first.
    :param command: The command line: text or an expression, in the same query language.
    :param poll_interval: The time between two requests for the command's status, 1 second to 8
        hours. An execution has 25,000 events at most, and a request takes 9 of them, so `timeout`
        has room for 2,500 requests. Default: 15 seconds.
    :param timeout: The longest time that the command may run, 1 second to 8 hours. Default: 8
        hours, the longest life of a session.
    :raises ValueError: if a time is outside its limits, if `timeout` has too many requests for the
        status, if `session` cannot be a name or `command` is empty, or if they use different query
        languages.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: InvokeFunction,
        session: str,
        command: str,
        poll_interval: Duration = _DEFAULT_POLL_INTERVAL,
        timeout: Duration = _DEFAULT_TIMEOUT,
    ) -> None:
        check_duration("poll_interval", poll_interval, _MAX_TIMEOUT_SECONDS)
        check_duration("timeout", timeout, _MAX_TIMEOUT_SECONDS)
        _check_polls(timeout, poll_interval)
        _check_text("session", session, SESSION_NAME_PATTERN, "1 to 64 letters, digits, _ and -")
        _check_text("command", command, r"(?s).*\S.*", "a command line")
        _check_languages(session=session, command=command)
        super().__init__(scope, construct_id)
        self._function = function
        self._prepare = self._new_prepare_state(session, command, timeout)
        start = self._invoke(
            "Start",
            "startCommandExecution",
            {"command": _LIMITED_COMMAND},
            outputs=_AFTER_START,
            idempotency_key=f"{{% {_INPUT}.key %}}",
        )
        wait = sfn.Wait.jsonata(self, "Wait", time=sfn.WaitTime.duration(poll_interval))
        task = {"taskId": f"{{% {_INPUT}.task_id %}}"}
        ask = self._invoke("Ask", "getTask", task, outputs=_AFTER_POLL)
        stop = self._invoke("Stop", "stopTask", task, outputs=_UNCHANGED)
        failed = sfn.Fail.jsonata(self, "Failed", error=_ERROR, cause=_CAUSE)
        self._result = sfn.Pass.jsonata(self, "Result", outputs=_OUTPUT)
        ended = (
            sfn.Choice.jsonata(self, "Ended?")
            .when(_condition(_COMPLETED), self._result)
            .when(_condition(f"({_RUNNING}) and {_IN_TIME}"), wait)
            .when(_condition(_RUNNING), stop)
            .otherwise(failed)
        )
        self._prepare.next(start)
        start.next(ended)
        wait.next(ask)
        ask.next(ended)
        for error in ("States.DataLimitExceeded", sfn.Errors.ALL):
            ask.add_catch(stop, errors=[error], outputs=_AFTER_FAILURE)
        stop.add_catch(failed, outputs=_UNCHANGED)
        stop.next(failed)
        # A state machine can have several command tasks, and the names of states are unique.
        self.prefix_states()

    @property
    def start_state(self) -> sfn.State:
        """The first state of the fragment."""
        return self._prepare

    @property
    def end_states(self) -> list[sfn.INextable]:
        """The state that the next state follows: the result of a command with exit code 0."""
        return [self._result]

    def _new_prepare_state(self, session: str, command: str, timeout: Duration) -> sfn.Pass:
        """Return the first state, the only one in the caller's query language."""
        request = {
            "session": session,
            "command": command,
            "timeout_seconds": timeout.to_seconds(),
        }
        if not any(map(sfn.JsonPath.is_encoded_json_path, (session, command))):
            return sfn.Pass.jsonata(self, "Prepare", outputs={**request, "key": "{% $uuid() %}"})
        return sfn.Pass.json_path(
            self, "Prepare", parameters={**request, "key": sfn.JsonPath.uuid()}
        )

    def _invoke(
        self,
        name: str,
        operation: str,
        arguments: Mapping[str, str],
        *,
        outputs: str | None = None,
        **members: str,
    ) -> tasks.LambdaInvoke:
        event: dict[str, Any] = {
            "tool": "invoke_code_interpreter",
            "session": f"{{% {_INPUT}.session %}}",
            "name": operation,
            "arguments": arguments,
            **members,
        }
        state = tasks.LambdaInvoke.jsonata(
            self,
            name,
            lambda_function=self._function.function,
            payload=sfn.TaskInput.from_object(event),
            outputs=outputs,
        )
        state.add_retry(errors=["Lambda.TooManyRequestsException"], max_attempts=10)
        return state


def _check_text(name: str, value: str, pattern: str, allowed: str) -> None:
    """Check text that is no expression. JSONPath expressions are tokens, and pass."""
    if not (value.startswith("{%") and value.endswith("%}")):
        check_pattern(
            name,
            value,
            pattern,
            f"{allowed}, or an expression: '{{% $states.input.x %}}' or "
            "sfn.JsonPath.string_at('$.x')",
        )


def _check_languages(**values: str) -> None:
    if not any(map(sfn.JsonPath.is_encoded_json_path, values.values())):
        return
    for name, value in values.items():
        if value.startswith("{%"):
            raise ValueError(
                f"{name} is {value!r}, which is JSONata, but the other is JSONPath; "
                "use one query language for both"
            )


def _check_polls(timeout: Duration, poll_interval: Duration) -> None:
    if timeout.is_unresolved() or poll_interval.is_unresolved():
        return
    seconds = timeout.to_seconds()
    least = math.ceil(seconds / _MAX_POLLS)
    if poll_interval.to_seconds() < least:
        raise ValueError(
            f"poll_interval is {poll_interval.to_seconds():.0f} s, but with a timeout of "
            f"{seconds:.0f} s it must be {least} s or more, because the execution would have more "
            "than the 25,000 events that Step Functions allows; change one of them"
        )


def _condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {expression} %}}")
