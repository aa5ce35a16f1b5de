"""Alarms and a dashboard for a code interpreter and its invoke function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from aws_cdk import Duration, Tokenization
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.service_log_delivery import ServiceLogDelivery, check_service_logs
from .function_settings import LogSettings
from .invoke_function import InvokeFunction
from .service_logs import ServiceLog

# The operations that AgentCore has metrics for.
_START = "StartCodeInterpreterSession"
_OPERATIONS = (_START, "InvokeCodeInterpreter")

_PERIOD = Duration.minutes(5)
_SLOW_START = Duration.seconds(10)
# The part of the function's timeout from which a request counts as nearly timed out.
_NEARLY_TIMED_OUT = 0.9

# The invoke function's own metrics, which are fields of its log line. `code_interpreter_invoke` has
# the same names.
_NAMESPACE = "CodeInterpreter"
_FUNCTION, _TOOL, _ERROR_TYPE = "function_name", "tool", "error_type"
# The share of requests of which nothing ran that is too much.
_TOO_MANY_NOT_STARTED = 0.1


class Monitoring(Construct):
    """Define alarms and a dashboard.

    The alarms report errors and throttles of the function and of the code interpreter, requests
    that take 90 % of the function's timeout or more, sessions that take 10 seconds or more to
    start, every request whose outcome is unknown, and a share of 10 % or more of requests of which
    nothing ran, for a quarter of an hour. Errors of users' code raise no alarm.

    The function's log lines get metrics, which CloudWatch reads from them: requests, errors,
    duration, sandboxes and bytes, in the namespace `CodeInterpreter`, by function and by tool, and
    errors also by type. CloudWatch charges for each metric that an hour has.

    :param code_interpreter: Owned, imported or AWS-managed.
    :param function: The function that uses it: an `InvokeFunction` or its `function`.
    :param alarm_actions: The actions of every alarm, such as a notification of an SNS topic.
        Default: none.
    :param service_logs: The kinds of log that AgentCore delivers; see `ServiceLog` for the user's
        data in them. Default: none.
    :param settings: Further settings of the log groups of `service_logs`: see `LogSettings`.
    :ivar alarms: All alarms; you can change them and add actions.
    :ivar dashboard: The dashboard; you can add widgets.
    :ivar log_groups: The log groups of `service_logs`.
    :raises ValueError: if `service_logs` are those of the AWS-managed code interpreter.
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
        service_logs: Sequence[ServiceLog] = (),
        **settings: Unpack[LogSettings],
    ) -> None:
        check_service_logs(code_interpreter, service_logs)
        super().__init__(scope, construct_id)
        self._code_interpreter = code_interpreter
        self._function = function.function if isinstance(function, InvokeFunction) else function
        self._function.add_environment("METRICS_NAMESPACE", _NAMESPACE)
        self.alarms = [
            *self._function_alarms(),
            *self._request_alarms(),
            *self._code_interpreter_alarms(),
        ]
        for alarm in self.alarms:
            alarm.add_alarm_action(*alarm_actions)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", widgets=self._widgets())
        self.log_groups: Mapping[ServiceLog, logs.LogGroup] = {}
        if service_logs:
            self.log_groups = ServiceLogDelivery(
                self,
                "ServiceLogs",
                code_interpreter=code_interpreter,
                service_logs=service_logs,
                log_settings=settings,
            ).log_groups

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

    def _request_alarms(self) -> list[cloudwatch.Alarm]:
        return [
            self._alarm_on_any(
                "OutcomesUnknown",
                self._metric("errors", {_ERROR_TYPE: "OutcomeUnknown"}),
                "Code may have run, but its result was lost",
            ),
            self._alarm(
                "NotStarted",
                self._metric("not_started", statistic=cloudwatch.Stats.AVERAGE),
                _TOO_MANY_NOT_STARTED,
                "Many requests end before anything runs: see the error messages in the log",
                periods=3,
            ),
        ]

    def _metric(
        self,
        name: str,
        dimensions: Mapping[str, str] | None = None,
        statistic: str = cloudwatch.Stats.SUM,
    ) -> cloudwatch.Metric:
        """Return a metric of the function's log lines."""
        return cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=name,
            dimensions_map={_FUNCTION: self._function.function_name, **(dimensions or {})},
            statistic=statistic,
            period=_PERIOD,
        )

    def _metrics_by(
        self, dimension: str, name: str, statistic: str = cloudwatch.Stats.SUM
    ) -> cloudwatch.IMetric:
        """Return a metric of the log lines for each value that a dimension has had."""
        return cloudwatch.MathExpression(
            expression=(
                f'SEARCH(\'{{{_NAMESPACE},{_FUNCTION},{dimension}}} MetricName="{name}" '
                f"{_FUNCTION}=\"{self._function.function_name}\"', '{statistic}')"
            ),
            label="",
            period=_PERIOD,
        )

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

    def _api_metric(
        self,
        name: str,
        operation: str,
        statistic: str = cloudwatch.Stats.SUM,
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric of an API operation.

        CDK's methods for each of these metrics call this one from the Node process, which then asks
        Python for each option: fourteen calls in place of one.
        """
        return self._code_interpreter.metric_for_api_operation(
            name, operation, statistic=statistic, period=period
        )

    def _api_metrics(
        self, name: str, statistic: str = cloudwatch.Stats.SUM
    ) -> list[cloudwatch.Metric]:
        return [self._api_metric(name, operation, statistic) for operation in _OPERATIONS]

    def _code_interpreter_alarms(self) -> list[cloudwatch.Alarm]:
        alarms = []
        for operation in _OPERATIONS:
            alarms += [
                self._alarm_on_any(
                    f"{operation}Errors",
                    self._api_metric("SystemErrors", operation, period=_PERIOD),
                    f"AgentCore failed to carry out {operation}",
                ),
                self._alarm_on_any(
                    f"{operation}Throttles",
                    self._api_metric("Throttles", operation, period=_PERIOD),
                    f"AgentCore refused {operation}: too many calls or sessions at once",
                ),
            ]
        latency = self._api_metric("Latency", _START, cloudwatch.Stats.percentile(90), _PERIOD)
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
        errors = [*self._api_metrics("SystemErrors"), *self._api_metrics("UserErrors")]
        return [
            [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=self.alarms, width=24, height=3)],
            [
                _graph("Requests by tool", self._metrics_by(_TOOL, "requests")),
                _graph("Errors by type", self._metrics_by(_ERROR_TYPE, "errors")),
                _graph(
                    "Errors: share of requests",
                    self._metric("errors", statistic=cloudwatch.Stats.AVERAGE),
                    self._metric("not_started", statistic=cloudwatch.Stats.AVERAGE),
                ),
                _graph(
                    "Duration by tool",
                    self._metrics_by(_TOOL, "duration_ms", cloudwatch.Stats.percentile(90)),
                ),
            ],
            [
                _graph(
                    "Sandboxes",
                    self._metric("sandboxes_started"),
                    self._metric("sandboxes_restarted"),
                ),
                _graph("Bytes between workspace and sandboxes", self._metric("bytes_copied")),
            ],
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
                _graph("Calls", *self._api_metrics("Invocations")),
                _graph("Errors", *errors),
                _graph("Throttles", *self._api_metrics("Throttles")),
                _graph("Latency", *self._api_metrics("Latency", cloudwatch.Stats.AVERAGE)),
            ],
        ]


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=6, height=6)
