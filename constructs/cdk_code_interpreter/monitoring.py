"""Alarms and a dashboard for a code interpreter and its invoke function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aws_cdk import Duration, Tokenization
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from ._private.arguments import check_arguments
from .invoke_function import InvokeFunction

# The operations that AgentCore has metrics for.
_OPERATIONS = ("StartCodeInterpreterSession", "InvokeCodeInterpreter")

_PERIOD = Duration.minutes(5)
_START = "StartCodeInterpreterSession"
_SLOW_START = Duration.seconds(10)
# The part of the function's timeout from which a request counts as nearly timed out.
_NEARLY_TIMED_OUT = 0.9


class Monitoring(Construct):
    """Define alarms and a dashboard.

    The alarms report errors and throttles of the function and of the code interpreter, requests
    that take 90 % of the function's timeout or more, and sessions that take 10 seconds or more to
    start. Errors of users' code raise no alarm.

    :param code_interpreter: Owned, imported or AWS-managed.
    :param function: The function that uses it: an `InvokeFunction` or its `function`.
    :param alarm_actions: The actions of every alarm, such as a notification of an SNS topic.
        Default: none.
    :ivar alarms: All alarms; you can change them and add actions.
    :ivar dashboard: The dashboard; you can add widgets.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code_interpreter: agentcore.ICodeInterpreterCustom,
        function: InvokeFunction | lambda_.Function,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self._code_interpreter = code_interpreter
        self._function = function.function if isinstance(function, InvokeFunction) else function
        self.alarms = [*self._function_alarms(), *self._code_interpreter_alarms()]
        for alarm in self.alarms:
            alarm.add_alarm_action(*alarm_actions)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", widgets=self._widgets())

    def _function_alarms(self) -> list[cloudwatch.Alarm]:
        function = self._function
        alarms = [
            self._alarm_on_any(
                "FunctionErrors",
                function.metric_errors(period=_PERIOD),
                "The invoke function crashed or timed out",
            ),
            self._alarm_on_any(
                "FunctionThrottles",
                function.metric_throttles(period=_PERIOD),
                "Lambda refused calls of the invoke function: too many at once",
            ),
        ]
        if function.timeout is not None:
            alarms.append(self._alarm_on_duration(function.timeout))
        return alarms

    def _alarm_on_duration(self, timeout: Duration) -> cloudwatch.Alarm:
        metric: cloudwatch.IMetric = self._function.metric_duration(
            period=_PERIOD, statistic=cloudwatch.Stats.MAXIMUM
        )
        if timeout.is_unresolved():
            # CloudFormation cannot multiply, but CloudWatch can.
            seconds = Tokenization.stringify_number(timeout.to_seconds())
            threshold = _NEARLY_TIMED_OUT
            metric = cloudwatch.MathExpression(
                expression=f"duration / 1000 / {seconds}",
                using_metrics={"duration": metric},
                label="Duration, as a part of the timeout",
                period=_PERIOD,
            )
        else:
            threshold = _NEARLY_TIMED_OUT * timeout.to_milliseconds()
        return self._alarm(
            "FunctionDuration", metric, threshold, "A call of the invoke function nearly timed out"
        )

    def _code_interpreter_alarms(self) -> list[cloudwatch.Alarm]:
        interpreter = self._code_interpreter
        alarms = []
        for operation in _OPERATIONS:
            alarms += [
                self._alarm_on_any(
                    f"{operation}Errors",
                    interpreter.metric_system_errors_for_api_operation(operation, period=_PERIOD),
                    f"AgentCore failed to carry out {operation}",
                ),
                self._alarm_on_any(
                    f"{operation}Throttles",
                    interpreter.metric_throttles_for_api_operation(operation, period=_PERIOD),
                    f"AgentCore refused {operation}: too many calls or sessions at once",
                ),
            ]
        latency = interpreter.metric_latency_for_api_operation(
            _START, period=_PERIOD, statistic=cloudwatch.Stats.percentile(90)
        )
        alarms.append(
            self._alarm(
                f"{_START}Latency",
                latency,
                _SLOW_START.to_milliseconds(),
                "Sessions take long to start",
                periods=3,
            )
        )
        return alarms

    def _alarm_on_any(
        self, name: str, metric: cloudwatch.Metric, description: str
    ) -> cloudwatch.Alarm:
        return self._alarm(name, metric, 1, description)

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        *,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )

    def _widgets(self) -> list[list[cloudwatch.IWidget]]:
        function, interpreter = self._function, self._code_interpreter
        errors = [
            *_each(interpreter.metric_system_errors_for_api_operation),
            *_each(interpreter.metric_user_errors_for_api_operation),
        ]
        return [
            [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=24, height=3)],
            [
                _graph(
                    "Function: calls and failures",
                    function.metric_invocations(),
                    function.metric_errors(),
                    function.metric_throttles(),
                ),
                _graph(
                    "Function: duration",
                    function.metric_duration(statistic=cloudwatch.Stats.AVERAGE),
                    function.metric_duration(statistic=cloudwatch.Stats.MAXIMUM),
                ),
                _graph("Sessions: duration", interpreter.metric_session_duration()),
            ],
            [
                _graph("Calls", *_each(interpreter.metric_invocations_for_api_operation)),
                _graph("Errors", *errors),
                _graph("Throttles", *_each(interpreter.metric_throttles_for_api_operation)),
                _graph("Latency", *_each(interpreter.metric_latency_for_api_operation)),
            ],
        ]


def _each(metric: Callable[[str], cloudwatch.Metric]) -> list[cloudwatch.Metric]:
    return [metric(operation) for operation in _OPERATIONS]


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=6, height=6)
