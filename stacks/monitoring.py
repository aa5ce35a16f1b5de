"""The alarms and the dashboard of the stack, and whom they notify.

A module of its own, because an app without alarms does not load CloudWatch's modules of the CDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Monitoring, ServiceLog

if TYPE_CHECKING:
    from .deployment_stack import DeploymentStack
    from .settings import Settings


def add_monitoring(
    stack: DeploymentStack,
    settings: Settings,
    code_interpreter: CodeInterpreter,
    invoke_function: InvokeFunction,
) -> None:
    """Define the alarms and the dashboard, and the logs of the service that the settings name."""
    Monitoring(
        stack,
        "Monitoring",
        code_interpreter=code_interpreter,
        function=invoke_function.function,
        alarm_actions=_alarm_actions(stack, settings),
        service_logs=[ServiceLog[kind.upper()] for kind in settings.service_logs],
        **stack.log_settings,
    )


def _alarm_actions(
    stack: DeploymentStack, settings: Settings
) -> list[cloudwatch_actions.SnsAction]:
    """Return the notification of every alarm, if the settings name somebody to notify."""
    if settings.alarm_topic_arn is not None:
        topic = sns.Topic.from_topic_arn(stack, "AlarmTopic", settings.alarm_topic_arn)
        return [cloudwatch_actions.SnsAction(topic)]
    if settings.alarm_email is not None:
        new_topic = sns.Topic(stack, "AlarmTopic", enforce_ssl=True, master_key=stack.key)
        new_topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        return [cloudwatch_actions.SnsAction(new_topic)]
    return []
