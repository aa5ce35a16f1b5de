"""The deployed control function when its calls fail or its process dies.

One life of a code interpreter has the events of `EVENTS`: it is created, tagged and replaced, its
predecessor is deleted, and then it is deleted itself, by an id that CloudFormation invented. Each
event has faults. Many lives run side by side, each in an account of its own.
"""

from __future__ import annotations

import itertools
import json
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING

import psutil
import pytest
from aws_cdk import App, CfnOutput, Stack
from botocore.config import Config

from cdk_code_interpreter import ControlFunction, Network
from tests.fakes.cloudformation import CloudFormation, Event, Properties, Response

from .deployment import Deployment, synthesise
from .wire import RESPONSE, RESPONSES_PATH, Fault, Plan, Row, Wire, at, everywhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_cdk.cx_api import CloudAssembly

    from local_aws import LocalAws

SERVICE = "bedrock-agentcore"
LANES = 2
# Lambda runs an asynchronous event up to three times, as long as the function fails.
ATTEMPTS = 3

# The function retries these calls, so that the event succeeds even if every call fails once.
PASSING: tuple[Fault, ...] = tuple(
    Fault(kind, when) for kind in (429, 500, 503, "reset") for when in ("before", "after")
)
QUICK = (Fault(500, "before"), Fault("reset", "after"))
# One such fault may fail the event: CloudFormation rolls back, and the user tries again.
FAILING = (Fault(403, "before"), Fault(403, "after"))
# Lambda runs the event again, once. A kill before a call leaves the same state as a kill after the
# previous call.
KILLED = Fault("kill", "after")

PROPERTIES = {"NamePrefix": "Life", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
TAGGED = {**PROPERTIES, "Tags": {"team": "data"}}
RETAGGED = {**PROPERTIES, "Tags": {"stage": "test"}}
DESCRIBED = {**RETAGGED, "Description": "another"}
# CloudFormation invents such an id for a resource whose creation got no response.
INVENTED_ID = "Control-Resource-1ABCDEFGHIJKL"
BY_INVENTED_ID = "delete by an invented id"
EVENTS = ("create", "tags", "replacement", "replacement: the predecessor", BY_INVENTED_ID)


class Lane:
    """An account with a control function whose calls go over a faulty wire."""

    def __init__(self, deployment: Deployment, assembly: CloudAssembly) -> None:
        deployment.deploy(assembly)
        self.deployment = deployment
        self.wire = Wire(deployment.aws.endpoint, psutil.Process(deployment.aws.process_id))
        outputs = deployment.outputs("Control")
        self.function_name, self.stack_id = outputs["FunctionName"], outputs["StackId"]
        # A second attempt of this client would be one more event.
        config = Config(read_timeout=120, retries={"total_max_attempts": 1})
        self._lambda = deployment.client("lambda", config=config)
        endpoints = ("BEDROCK_AGENTCORE", "BEDROCK_AGENTCORE_CONTROL")
        configured = self._lambda.update_function_configuration(
            FunctionName=self.function_name,
            Environment={
                "Variables": {f"AWS_ENDPOINT_URL_{name}": self.wire.url for name in endpoints}
            },
        )
        self.role_name = configured["Role"].rpartition("/")[2]
        # Threads may use a client together, but must not make clients at the same time.
        for service in ("bedrock-agentcore", "bedrock-agentcore-control"):
            deployment.client(service)

    def url(self, request_id: str) -> str:
        return f"{self.wire.url}{RESPONSES_PATH}{request_id}"

    def responses(self, request_id: str) -> list[Response]:
        return self.wire.responses[RESPONSES_PATH + request_id]

    def run(self, event: Event) -> bool:
        """Invoke the function, and tell whether its process survived."""
        response = self._lambda.invoke(FunctionName=self.function_name, Payload=json.dumps(event))
        return "FunctionError" not in response


@dataclass
class Life:
    """A code interpreter from its creation to its deletion.

    `plans` says where in the first event of each name the fault is; the others have none. Lambda
    delivers an asynchronous event at least once: `deliveries` times here.
    """

    lane: Lane
    fault: Fault | None
    plans: Mapping[str, Plan]
    deliveries: int = 1
    rows: dict[str, Row] = field(default_factory=dict)

    def live(self) -> None:
        lane = self.lane
        self.resource = resource = CloudFormation(
            self._run, lane.stack_id, "Resource", lane.url, self._before
        )
        self._succeed(lambda: resource.create(TAGGED))
        created = self._only(TAGGED)
        self._succeed(lambda: resource.update(RETAGGED, "tags"))
        assert self._only(RETAGGED) == created
        lane.deployment.start_session(created)
        self._succeed(lambda: resource.update(DESCRIBED, "replacement"))
        assert self._only(DESCRIBED) != created
        lane.deployment.start_session(resource.physical_id)
        resource.physical_id = INVENTED_ID
        resource.delete(BY_INVENTED_ID)
        assert lane.deployment.code_interpreters() == {}
        assert resource.failures == [] or self.fault in FAILING
        self._check_numbers_of_responses()

    def _succeed(self, step: Callable[[], bool]) -> None:
        assert step() or step()

    def _run(self, event: Event) -> Response:
        """Return the response to an event; every delivery has to give the same one."""
        assert any(self._deliver(event) for _ in range(ATTEMPTS)), "no attempt ended"
        response, *repetitions = self.lane.responses(event["RequestId"])
        assert all(repetition == response for repetition in repetitions)
        return response

    def _deliver(self, event: Event) -> bool:
        return all(self.lane.run(event) for _ in range(self.deliveries))

    def _before(self, name: str) -> None:
        if name in self.rows or name not in self.plans:
            self.lane.wire.begin()
        else:
            self.rows[name] = self.lane.wire.begin(self.fault, self.plans[name])

    def _only(self, properties: Properties) -> str:
        """Check the only code interpreter, and return its id."""
        [(interpreter_id, interpreter)] = self.lane.deployment.code_interpreters().items()
        assert interpreter_id == self.resource.physical_id
        assert interpreter["status"] == "READY"
        assert interpreter.get("description") == properties.get("Description")
        assert self.lane.deployment.tags(interpreter["codeInterpreterArn"]) == properties["Tags"]
        return interpreter_id

    def _check_numbers_of_responses(self) -> None:
        """Check that each delivery has one response, and one more if that seemed to be lost."""
        for name, row in self.rows.items():
            lost = row.hit_operations().count(RESPONSE)
            assert row.calls.count(RESPONSE) == self.deliveries + lost, name


def define(app: App) -> None:
    stack = Stack(app, "Control")
    control = ControlFunction.of(stack)
    control.allow_create(Network.sandbox().bind(stack))
    control.allow_manage("Life_" + "?" * 10)
    CfnOutput(stack, "FunctionName", value=control.function.function_name)
    CfnOutput(stack, "StackId", value=stack.stack_id)


@dataclass
class Lives:
    """A life without faults, and all the others, which may still be running."""

    clean: Life
    repeated: Future[Life]
    killed: Future[Life]
    faulty: dict[Fault, list[Future[Life]]]
    lanes: list[Lane]


@pytest.fixture(scope="module")
def lives(
    local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Lives]:
    faults = {
        item.callspec.params["fault"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    }
    assembly = synthesise(define, tmp_path_factory.mktemp("control"))
    lanes = [Lane(Deployment(local_aws, f"3{n:011d}"), assembly) for n in range(LANES)]
    free: SimpleQueue[Lane] = SimpleQueue()

    def live(fault: Fault | None, plans: Mapping[str, Plan], deliveries: int = 1) -> Life:
        lane = free.get_nowait()  # one for each thread; a life that failed keeps its lane
        life = Life(lane, fault, plans, deliveries)
        life.live()
        free.put(lane)
        return life

    with ExitStack() as running:
        for lane in lanes:
            running.enter_context(lane.wire.running())
            free.put(lane)
        pool = running.enter_context(ThreadPoolExecutor(LANES))
        anywhere = dict.fromkeys(EVENTS, everywhere)
        faulty = {
            fault: [pool.submit(live, fault, anywhere)] for fault in PASSING if fault in faults
        }
        repeated = pool.submit(live, None, anywhere, 2)
        clean = pool.submit(live, None, anywhere).result()
        plans = plans_for_each_call(clean.rows)
        for fault in (*FAILING, KILLED):
            if fault in faults:
                faulty[fault] = [pool.submit(live, fault, plan) for plan in plans]
        killed = pool.submit(live, KILLED, plans[1])
        yield Lives(clean, repeated, killed, faulty, lanes)


def plans_for_each_call(rows: dict[str, Row]) -> list[dict[str, Plan]]:
    """Return plans for the first call of every event, then for the second, and so on."""
    return [
        {
            name: at(row.calls[number], row.calls[: number + 1].count(row.calls[number]))
            for name, row in rows.items()
            if number < len(row.calls)
        }
        for number in range(max(len(row.calls) for row in rows.values()))
    ]


# `make test` has the quick ones, and a process that dies once in each event; the unit tests have
# each fault at each call (`tests/unit/control/test_faults.py`).
FAULTS = [
    pytest.param(fault, id=str(fault), marks=() if fault in QUICK else pytest.mark.slow)
    for fault in (*PASSING, *FAILING, KILLED)
]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_leave_exactly_what_is_wanted(lives: Lives, fault: Fault) -> None:
    errors = [error for life in lives.faulty[fault] if (error := life.exception()) is not None]
    if errors:
        raise BaseExceptionGroup(str(fault), errors)
    # How often a status is read depends on the time; every operation is called at least once.
    for name, row in lives.clean.rows.items():
        hit = {
            operation
            for life in lives.faulty[fault]
            if name in life.result().rows
            for operation in life.result().rows[name].hit_operations()
        }
        assert hit == set(row.calls), name


def test_a_process_that_dies_once_in_each_event_leaves_exactly_what_is_wanted(
    lives: Lives,
) -> None:
    rows = lives.killed.result().rows
    assert rows.keys() == set(EVENTS)
    assert [name for name, row in rows.items() if len(row.hits) != 1] == []


def test_an_event_that_is_delivered_twice_has_one_effect_and_the_same_response(
    lives: Lives,
) -> None:
    assert lives.repeated.result().rows.keys() == set(EVENTS)


# Other services use these permissions of the role. In the local AWS they have rights of their own.
BY_OTHERS = {
    "logs:CreateLogStream": "Lambda itself writes the function's log",
    "logs:PutLogEvents": "Lambda itself writes the function's log",
}


def test_the_control_function_uses_all_its_permissions_and_needs_no_more(lives: Lives) -> None:
    wait([lives.repeated, lives.killed, *itertools.chain(*lives.faulty.values())])
    for lane in lives.lanes:
        gone = set()
        for decision in lane.deployment.decisions(lane.role_name):
            allowed = decision["decision"] == "Allow"
            if allowed and decision["action"] == f"{SERVICE}:DeleteCodeInterpreter":
                gone.add(decision["resource"])
            # The permissions depend on tags, which a deleted interpreter no longer has.
            assert allowed or decision["resource"] in gone, decision
    lane = lives.clean.lane
    used = {decision["action"] for decision in lane.deployment.decisions(lane.role_name)}
    assert lane.deployment.granted(lane.role_name) - used == BY_OTHERS.keys()
