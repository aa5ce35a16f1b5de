"""States of a state machine for commands that run longer than a Lambda function can."""

from __future__ import annotations

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

# Every state but the first has the fragment's own data as its input. Until the command is started:
# session, command, key and timeout_seconds. From then on: session, task_id, deadline (in
# milliseconds), and the invoke function's last response. JSONata leaves a member out of an object
# if its expression finds nothing.
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
# The error and the cause never contain output of the command, as messages do.
_ERROR = (
    f"{{% {_RESULT}.taskStatus = 'canceled' ? 'Canceled' : "
    f"$exists({_RESPONSE}.error.type) ? {_RESPONSE}.error.type : 'CodeFailed' %}}"
)
_CAUSE = (
    f"{{% $exists({_RESULT}.exitCode) ? 'exit code ' & $string({_RESULT}.exitCode) "
    ": 'no exit code' %}"
)


class CommandTask(sfn.StateMachineFragment):
    """Define states that start a command in the background of a session and wait for its end.

    The output of the states has the command's `session`, `task_id`, `exit_code`, `stdout`,
    `stderr` and `execution_time`, unless the service leaves one of them out. Step Functions
    accepts responses up to 256 KiB, and a response contains the output twice: a command that
    prints more than 100 KiB should write a file instead.

    The execution fails with one of these errors, and with the exit code as the cause:

    - `CodeFailed`: the command ended with an exit code other than 0.
    - `Canceled`: somebody stopped the command.
    - `TimedOut`: the command ran longer than `timeout`, and the state machine stopped it.
    - `NotFound`: the session ended before the command.
    - `NotStarted`, `InvalidRequest`: the command was not started.
    - `OutcomeUnknown`: the command may have been started.

    To catch an error, or to keep the input of the states, turn the fragment into a single state
    with `to_single_state()`. The command is started once, even if Step Functions repeats a request.

    :param function: The function that runs the command. The state machine may invoke it.
    :param session: The session's name: text, or a JSONata or JSONPath expression on the input of
        the fragment. A session without a sandbox gets a new sandbox. The command ends with the
        sandbox: if it can run longer than the function's `session_timeout`, start the session with
        the tool `start_session` first.
    :param command: The command line: text or an expression, in the same query language.
    :param poll_interval: The time between two requests for the command's status, 1 second to 8
        hours. Default: 15 seconds.
    :param timeout: The longest time that the command may run, 1 second to 8 hours. Default: 8
        hours, the longest life of a session.
    :raises ValueError: if a time is outside its limits, if `session` cannot be a name or `command`
        is empty, or if they use different query languages.
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
        _check_text("session", session, SESSION_NAME_PATTERN, "1 to 64 letters, digits, _ and -")
        _check_text("command", command, r"(?s).*\S.*", "a command line")
        _check_languages(session=session, command=command)
        super().__init__(scope, construct_id)
        self._function = function
        self._prepare = self._new_prepare_state(session, command, timeout)
        start = self._invoke(
            "Start",
            "startCommandExecution",
            {"command": f"{{% {_INPUT}.command %}}"},
            outputs=_AFTER_START,
            idempotency_key=f"{{% {_INPUT}.key %}}",
        )
        wait = sfn.Wait.jsonata(self, "Wait", time=sfn.WaitTime.duration(poll_interval))
        task = {"taskId": f"{{% {_INPUT}.task_id %}}"}
        ask = self._invoke("Ask", "getTask", task, outputs=_AFTER_POLL)
        stop = self._invoke("Stop", "stopTask", task)
        timed_out = sfn.Fail.jsonata(
            self, "Timed out", error="TimedOut", cause="the command took longer than its timeout"
        )
        failed = sfn.Fail.jsonata(self, "Failed", error=_ERROR, cause=_CAUSE)
        self._result = sfn.Pass.jsonata(self, "Result", outputs=_OUTPUT)
        in_time = f"$millis() < {_INPUT}.deadline"
        ended = (
            sfn.Choice.jsonata(self, "Ended?")
            .when(_condition(_COMPLETED), self._result)
            .when(_condition(f"({_RUNNING}) and {in_time}"), wait)
            .when(_condition(_RUNNING), stop)
            .otherwise(failed)
        )
        self._prepare.next(start)
        start.next(ended)
        wait.next(ask)
        ask.next(ended)
        stop.add_catch(timed_out)
        stop.next(timed_out)
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


def _condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {expression} %}}")
