"""Every open question has one experiment, and every setting of the emulator is a question."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Monitoring, Workspace
from cdk_code_interpreter._private.permissions import SESSION_HEADER, TRACE_HEADER
from code_interpreter_invoke.requests.tools import TOOLS
from tests.unit.constructs.everything import new_app
from tests.unit.emulator.undocumented import CHANGED_SETTINGS
from verify.experiment import Experiment, Reading, StackKind, default_of
from verify.experiments import environment, gateway, metrics
from verify.plan import STACK_MINUTES
from verify.stacks import STACKS
from verify.table import EXPERIMENTS
from verify.tool_calls import TOOL_CALLS

# Reports of users have settled these; the emulator can be set otherwise all the same.
REPORTED = {"calls_in_flight_per_session", "delete_with_ready_sessions"}


def test_every_setting_of_an_undocumented_behaviour_has_one_experiment() -> None:
    settings = [experiment.setting for experiment in EXPERIMENTS if experiment.setting]
    assert sorted(settings) == sorted({*CHANGED_SETTINGS, *REPORTED})


def test_names_and_functions_belong_to_one_experiment() -> None:
    for attribute in ("name", "question", "run"):
        values = [getattr(experiment, attribute) for experiment in EXPERIMENTS]
        assert len(set(values)) == len(values), attribute


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_an_experiment_says_all_that_a_user_needs(experiment: Experiment) -> None:
    assert experiment.question.endswith("?")
    assert experiment.method
    assert experiment.assumption
    assert experiment.setting is None or not experiment.emulator


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_an_experiment_with_a_setting_returns_a_reading(experiment: Experiment) -> None:
    returned = inspect.signature(experiment.run).return_annotation
    assert returned == ("Reading" if experiment.setting else "Finding")


@pytest.mark.parametrize(
    "experiment",
    [one for one in EXPERIMENTS if one.setting],
    ids=lambda experiment: experiment.name,
)
def test_a_reading_holds_if_it_is_the_default(experiment: Experiment) -> None:
    assert experiment.setting
    default = default_of(experiment.setting)
    assert experiment.settle(Reading(default, "seen")).outcome == "holds"
    other = CHANGED_SETTINGS.get(experiment.setting, "another")
    found = experiment.settle(Reading(other, "seen"))
    assert found.outcome == "differs"
    assert found.evidence.startswith(f"{experiment.setting} should be ")


def test_experiments_with_a_stack_follow_each_other() -> None:
    """A stack is removed after the last of them."""
    stacks = [experiment.stack for experiment in EXPERIMENTS if experiment.stack]
    changes = [stack for number, stack in enumerate(stacks) if stack != stacks[number - 1]]
    assert len(changes) == len(set(stacks))


def test_every_stack_is_defined() -> None:
    assert set(STACKS) == set(STACK_MINUTES) == set(get_args(StackKind))
    assert {experiment.stack for experiment in EXPERIMENTS} == {None, *STACKS}


def test_every_tool_is_called() -> None:
    assert {given["tool"] for given, _ in TOOL_CALLS} == set(TOOLS)


def test_the_headers_are_those_of_the_library() -> None:
    assert (gateway.SESSION_HEADER, gateway.TRACE_HEADER) == (SESSION_HEADER, TRACE_HEADER)


def test_the_libraries_are_those_of_the_skill() -> None:
    libraries = environment.promised_libraries()
    assert {"pandas", "scikit-learn", "pillow"} <= set(libraries)
    assert set(libraries) <= environment.pinned_versions().keys()


def test_the_metrics_are_those_of_the_alarms_and_the_dashboard() -> None:
    stack = Stack(new_app(), "Test")
    interpreter = CodeInterpreter(stack, "CodeInterpreter")
    function = InvokeFunction(
        stack,
        "Invoke",
        code_interpreter=interpreter,
        workspace=Workspace(stack, "Workspace"),
    )
    Monitoring(stack, "Monitoring", code_interpreter=interpreter, function=function)
    alarms = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    properties = [alarm["Properties"] for alarm in alarms]
    of_agentcore = [one for one in properties if one["Namespace"] == metrics.NAMESPACE]
    assert {one["MetricName"] for one in of_agentcore} <= set(metrics.NAMES)
    operations = {
        dimension["Value"]
        for one in of_agentcore
        for dimension in one["Dimensions"]
        if dimension["Name"] == "Operation"
    }
    assert operations == set(metrics.OPERATIONS)
