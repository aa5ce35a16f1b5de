"""Findings of experiments that the local AWS cannot try, or in which it never differs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from verify.experiment import NotTriedError
from verify.experiments import bucket, environment, function, metrics, permissions, programs
from verify.experiments.permissions import DENIED, INVALID, last_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from code_interpreter_client import Session

ARN = "arn:aws:bedrock-agentcore:eu-west-1:111122223333:code-interpreter-custom/i-abcdefghij"


class Programs:
    """A sandbox whose programs print a given text; it keeps the programs."""

    def __init__(self, printed: str) -> None:
        self.codes: list[str] = []
        self._printed = printed

    def python(self, code: str) -> dict[str, Any]:
        self.codes.append(code)
        return {"structuredContent": {"stdout": self._printed}}


def account(**given: Any) -> Any:
    """Return a context with some members."""
    return SimpleNamespace(region="eu-west-1", run="r", prefix="workspace", bucket="b", **given)


# The network.

REACHED = {
    "SANDBOX": {"name of AWS": True, "own bucket": 404, "foreign bucket": 404},
    "PUBLIC": dict.fromkeys(environment.EXPECTED["PUBLIC"], 200),
    "VPC": {"own bucket": 404},
    "SEALED": {},
}


def reach(mode: str, changes: dict[str, Any]) -> tuple[Any, str]:
    nothing = dict.fromkeys(environment.EXPECTED["PUBLIC"])
    sandbox = Programs(json.dumps({**nothing, **REACHED[mode], **changes}))
    s3 = SimpleNamespace(generate_presigned_url=lambda *_: "https://b.s3.eu-west-1.amazonaws.com/k")
    context = account(sandbox=sandbox, network_mode=mode, bucket_client=lambda: s3)
    return environment.network_reach(context), sandbox.codes[0]


@pytest.mark.parametrize("mode", REACHED)
def test_a_network_that_is_as_promised(mode: str) -> None:
    finding, code = reach(mode, {})
    assert (finding.outcome, finding.evidence.partition(":")[0]) == ("holds", mode)
    compile(code, "program", "exec")
    assert "https://s3.eu-west-1.amazonaws.com/verify-foreign-r/key" in code
    assert not {"REGION", "OTHER", "RUN", "OWN_URL"} & set(code.replace(".", " ").split())


@pytest.mark.parametrize(
    ("mode", "name", "reached"),
    [
        ("SANDBOX", "internet", 200),
        ("SANDBOX", "name of the internet", True),
        ("SANDBOX", "STS", 403),
        ("SANDBOX", "own bucket", None),
        ("PUBLIC", "internet", None),
        ("VPC", "own bucket", None),
        ("SEALED", "name of AWS", True),
        ("SEALED", "own bucket", 403),
    ],
)
def test_a_network_that_is_not(mode: str, name: str, reached: Any) -> None:
    finding, _ = reach(mode, {name: reached})
    assert finding.outcome == "differs"
    assert finding.evidence.startswith(f"not as expected: {name}. ")


# Metrics.


class CloudWatch:
    def __init__(self, listed: list[tuple[str, str, str]]) -> None:
        self._listed = listed

    def get_paginator(self, _: str) -> CloudWatch:
        return self

    def paginate(self, Namespace: str | None = None) -> CloudWatch:  # noqa: N803 - as in boto3
        return CloudWatch([one for one in self._listed if Namespace in (None, one[0])])

    def search(self, _: str) -> Iterator[dict[str, Any]]:
        for namespace, name, operation in self._listed:
            dimensions = {"Resource": ARN, "Operation": operation}
            yield {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            }


def metric_names(listed: list[tuple[str, str, str]]) -> Any:
    outputs = {"CodeInterpreterArn": ARN}
    return metrics.metric_names(account(outputs=outputs, client=lambda _: CloudWatch(listed)))


FOUND = [
    (metrics.NAMESPACE, name, operation)
    for name in ("Invocations", "Latency")
    for operation in metrics.OPERATIONS
]


def test_metrics_of_the_alarms_names_hold_also_without_an_error() -> None:
    finding = metric_names(FOUND)
    assert finding.outcome == "holds"
    assert "SystemErrors of InvokeCodeInterpreter" in finding.evidence.partition("without")[2]


def test_a_missing_metric_differs() -> None:
    assert metric_names(FOUND[1:]).outcome == "differs"


def test_metrics_under_another_namespace_are_named() -> None:
    listed = [("Bedrock-AgentCore", name, operation) for _, name, operation in FOUND]
    with pytest.raises(NotTriedError, match="Metrics of AgentCore: Bedrock-AgentCore Invocations"):
        metric_names(listed)


# The function and the bucket.


def test_another_architecture_differs() -> None:
    interpreter = SimpleNamespace(describe_tools=list)
    configuration = {"Runtime": "python3.14", "Architectures": ["x86_64"]}
    context = account(function=configuration, interpreter=interpreter)
    assert function.runtime(context).outcome == "differs"


def test_a_function_with_too_little_time_tries_no_long_program() -> None:
    context = account(function={"Timeout": 300})
    with pytest.raises(NotTriedError, match="timeout is 300 s"):
        function.run_long_program(context, cast("Session", None))


def test_the_second_longest_of_twenty_is_the_95th_percentile() -> None:
    assert function.p95([float(number) for number in range(20)]) == 18


@pytest.mark.parametrize(("status", "outcome"), [(404, "holds"), (403, "holds"), (501, "differs")])
def test_a_status_that_the_function_does_not_take_differs(status: int, outcome: str) -> None:
    def put_object(**_: Any) -> None:
        response: Any = {
            "Error": {"Code": "Some"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(response, "PutObject")

    s3 = SimpleNamespace(put_object=put_object)
    context = account(
        deployments=SimpleNamespace(outputs=lambda _: {"WriterRole": "role"}),
        client=lambda _: s3,
        client_as=lambda role, _: s3,
        new_name=lambda: "verify_r_1",
        ledger=SimpleNamespace(record=lambda _: None),
        remove=lambda _: None,
    )
    assert bucket.if_match_on_missing_key(context).outcome == outcome


# Permissions.


def creations(results: Callable[[dict[str, Any]], str | None]) -> Any:
    class Creations:
        def __init__(self, *_: Any) -> None:
            self.outputs = dict.fromkeys(
                ("Subnet", "OtherSubnet", "Group", "OtherGroupId", "UntrustingRole"), "id"
            )
            self.outputs["OtherSubnet"] = "other"

        def create(self, **options: Any) -> str | None:
            return results(options)

    return Creations


def iam(found: Callable[[], Any], failure: str) -> Any:
    result = found()
    if result is None:
        raise NotTriedError(failure)
    return result


@pytest.mark.parametrize(
    ("elsewhere", "nowhere", "outcome"),
    [(DENIED, DENIED, "holds"), (None, DENIED, "differs"), (DENIED, None, "differs")],
)
def test_a_condition_that_does_not_limit_differs(
    monkeypatch: pytest.MonkeyPatch, elsewhere: str | None, nowhere: str | None, outcome: str
) -> None:
    def result(options: dict[str, Any]) -> str | None:
        if not options:
            return nowhere
        vpc = options["networkConfiguration"]["vpcConfig"]
        return elsewhere if vpc["subnets"] == ["other"] else INVALID

    monkeypatch.setattr(permissions, "Creations", creations(result))
    assert permissions.subnet_condition(account(wait_for_iam=iam)).outcome == outcome


@pytest.mark.parametrize(
    ("without", "outcome"), [(DENIED, "holds"), (None, "differs"), (INVALID, "differs")]
)
def test_a_creation_without_the_tag_that_is_not_denied_differs(
    monkeypatch: pytest.MonkeyPatch, without: str | None, outcome: str
) -> None:
    def result(options: dict[str, Any]) -> str | None:
        return None if options.get("tags") == {"verify-run": "r"} else without

    monkeypatch.setattr(permissions, "Creations", creations(result))
    assert permissions.create_without_tag(account(wait_for_iam=iam)).outcome == outcome


def test_the_last_error_is_that_of_the_last_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    errors = iter(["first", "second", None])
    assert last_error(lambda: next(errors), 10, raises=False) is None
    assert last_error(lambda: "always", 0, raises=False) == "always"


def test_a_command_that_waits_for_code_differs() -> None:
    """The program looks for a file that the command makes only after it."""

    class Slow(Programs):
        def command(self, _: str) -> str:
            return ""

    class Sandboxes:
        def __enter__(self) -> Slow:
            return Slow("False")

        def __exit__(self, *_: object) -> None:
            pass

    context = account(new_sandbox=Sandboxes)
    assert programs.commands_beside_code(context).outcome == "differs"


# Libraries.


def test_a_library_of_the_skill_that_is_missing_differs() -> None:
    promised = environment.promised_libraries()
    versions = {name: environment.pinned_versions()[name][0] for name in promised}
    held = environment.libraries(
        account(sandbox=Programs(json.dumps({"python": "3.12.13", **versions})))
    )
    assert held.outcome == "holds"
    assert "other versions than in the local AWS: none" in held.evidence
    assert "missing of the documented: beautifulsoup4, " in held.evidence
    assert held.details["python"] == "3.12.13"
    del versions["pandas"]
    versions["numpy"] = "1.26.4"
    missing = environment.libraries(
        account(sandbox=Programs(json.dumps({"python": "3.12.13", **versions})))
    )
    assert missing.outcome == "differs"
    assert "missing of the skill's: pandas; " in missing.evidence
    assert "numpy 1.26.4 (" in missing.evidence
