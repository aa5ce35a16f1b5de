"""The data plane, through boto3, with a sandbox that only remembers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from agentcore_emulator.service.roles import EveryRole
from tests.integration.emulator.serving import REGION, MemorySandbox, Served, serving

TOKEN = "t" * 33
NOT_FOUND = "ResourceNotFoundException"


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


def status(served: Served, session: dict[str, str]) -> str:
    return str(served.data().get_code_interpreter_session(**session)["status"])


@contextmanager
def blocked(served: Served, session: dict[str, str], count: int) -> Iterator[list[Future[Any]]]:
    """`count` calls in flight in a session; they end when the block does."""

    def in_flight() -> int:
        sessions = served.local("GET", "state")["sessions"]
        return sum(
            found["callsInFlight"]
            for found in sessions
            if found["sessionId"] == session["sessionId"]
        )

    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(served.invoke, session, "block") for _ in range(count)]
        pause = threading.Event()
        while in_flight() < count:
            pause.wait(0.01)
        try:
            yield calls
        finally:
            served.release()


def test_a_session_from_start_to_stop(served: Served) -> None:
    data = served.data()
    started = data.start_code_interpreter_session(
        codeInterpreterIdentifier="aws.codeinterpreter.v1", name="sums"
    )
    session = {name: started[name] for name in ("codeInterpreterIdentifier", "sessionId")}
    read = data.get_code_interpreter_session(**session)
    assert {name: read[name] for name in ("name", "status", "sessionTimeoutSeconds")} == {
        "name": "sums",
        "status": "READY",
        "sessionTimeoutSeconds": 900,
    }
    assert read["createdAt"] == started["createdAt"]
    stopped = data.stop_code_interpreter_session(**session)
    assert stopped["lastUpdatedAt"] > started["createdAt"]
    assert status(served, session) == "TERMINATED"
    assert served.sandboxes[0].closed == 1


def test_invoke_returns_a_result_and_the_session(served: Served) -> None:
    session = served.session()
    response = served.data().invoke_code_interpreter(
        **session,
        name="writeFiles",
        arguments={"content": [{"path": "a", "blob": b"\x00\xff"}], "clearContext": True},
    )
    assert response["sessionId"] == session["sessionId"]
    assert response["ResponseMetadata"]["HTTPHeaders"]["content-type"] == (
        "application/vnd.amazon.eventstream"
    )
    result = {"content": [{"type": "text", "text": "writeFiles"}], "isError": False}
    assert list(response["stream"]) == [{"result": result}]
    # Blobs arrive decoded, and booleans as booleans.
    arguments = {"content": [{"path": "a", "blob": b"\x00\xff"}], "clearContext": True}
    assert served.sandboxes[0].invoked == [("writeFiles", arguments)]


def test_a_session_and_its_sandbox_end_at_the_timeout(served: Served) -> None:
    session = served.session(sessionTimeoutSeconds=60)
    served.advance(59)
    served.invoke(session)
    assert status(served, session) == "READY"
    served.advance(1)
    assert served.sandboxes[0].closed == 1
    assert status(served, session) == "TERMINATED"
    assert code_of(lambda: served.invoke(session)) == NOT_FOUND


def test_a_session_ends_in_real_time_too(served: Served) -> None:
    session = served.session(sessionTimeoutSeconds=1)
    assert served.sandboxes[0].was_closed.wait(timeout=60)
    assert status(served, session) == "TERMINATED"


@pytest.mark.parametrize("setting", ["accept", "not_found"])
def test_stop_of_an_ended_session(setting: str) -> None:
    with serving(stop_ended_session=setting) as served:
        session = served.session()
        served.data().stop_code_interpreter_session(**session)

        def stop() -> Any:
            return served.data().stop_code_interpreter_session(**session)

        if setting == "accept":
            assert stop()["sessionId"] == session["sessionId"]
        else:
            assert code_of(stop) == NOT_FOUND
        assert served.sandboxes[0].closed == 1


def test_client_token_starts_and_stops_once(served: Served) -> None:
    first, second = (served.session(clientToken=TOKEN) for _ in range(2))
    assert first == second
    assert len(served.sandboxes) == 1
    assert code_of(lambda: served.session(clientToken=TOKEN, name="other")) == "ValidationException"
    for _ in range(2):
        served.data().stop_code_interpreter_session(**first, clientToken=TOKEN)


def test_two_starts_at_once_with_one_token_are_one_session(served: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(lambda _: served.session(clientToken=TOKEN), range(8)))
    assert len({session["sessionId"] for session in sessions}) == 1
    assert len(served.sandboxes) == 1


def test_a_session_belongs_to_its_interpreter_account_and_region(served: Served) -> None:
    own = served.interpreter()
    session = served.session(codeInterpreterIdentifier=own)
    wrong = {**session, "codeInterpreterIdentifier": "aws.codeinterpreter.v1"}
    assert code_of(lambda: served.invoke(wrong)) == NOT_FOUND
    system = served.session()
    for elsewhere in ({"account": "444455556666"}, {"region": "us-east-1"}):
        data = served.data(**elsewhere)
        assert code_of(lambda: data.get_code_interpreter_session(**system)) == NOT_FOUND  # noqa: B023 - called at once
        listed = data.list_code_interpreter_sessions(
            codeInterpreterIdentifier="aws.codeinterpreter.v1"
        )
        assert listed["items"] == []


def test_list_pages_and_filters(served: Served) -> None:
    sessions = [served.session(name=f"s{number}") for number in range(3)]
    served.data().stop_code_interpreter_session(**sessions[0])
    list_sessions = served.data().list_code_interpreter_sessions
    params = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1"}
    first = list_sessions(**params, maxResults=2)
    second = list_sessions(**params, maxResults=2, nextToken=first["nextToken"])
    listed = first["items"] + second["items"]
    assert {item["sessionId"] for item in listed} == {session["sessionId"] for session in sessions}
    assert "nextToken" not in second
    ended = list_sessions(**params, status="TERMINATED")["items"]
    assert [item["name"] for item in ended] == ["s0"]


def test_a_record_is_dropped_thirty_days_after_the_end(served: Served) -> None:
    session = served.session()
    served.data().stop_code_interpreter_session(**session)
    served.advance(30 * 86_400 - 60)
    assert status(served, session) == "TERMINATED"
    served.advance(61)
    assert served.local("GET", "state")["sessions"] == []
    assert code_of(lambda: status(served, session)) == NOT_FOUND


def test_ten_calls_in_flight_and_no_more(served: Served) -> None:
    session = served.session()
    with blocked(served, session, 10) as calls:
        assert code_of(lambda: served.invoke(session)) == "ServiceQuotaExceededException"
        served.invoke(served.session())
    assert all("result" in call.result()[0] for call in calls)
    served.invoke(session)


def test_a_session_that_ends_during_a_call_ends_the_call_in_the_stream(served: Served) -> None:
    session = served.session()
    with blocked(served, session, 1) as calls:
        served.data().stop_code_interpreter_session(**session)
        with pytest.raises(EventStreamError) as error:
            calls[0].result(timeout=10)
    assert error.value.response["Error"]["Code"] == "resourceNotFoundException"
    assert served.local("GET", "state")["sessions"][0]["callsInFlight"] == 0
    assert (served.sandboxes[0].cancelled, served.sandboxes[0].closed) == (1, 1)


def test_a_call_that_takes_longer_than_the_service_allows(served: Served) -> None:
    session = served.session(sessionTimeoutSeconds=3600)
    with blocked(served, session, 1) as calls:
        served.advance(900)
        with pytest.raises(EventStreamError) as error:
            calls[0].result(timeout=10)
    assert error.value.response["Error"]["Code"] == "internalServerException"
    assert served.local("GET", "state")["sessions"][0]["callsInFlight"] == 0
    assert (served.sandboxes[0].cancelled, served.sandboxes[0].closed) == (1, 0)


def test_a_result_larger_than_one_message_can_carry(served: Served) -> None:
    with pytest.raises(EventStreamError) as error:
        served.invoke(served.session(), "large")
    assert error.value.response["Error"]["Code"] == "serviceQuotaExceededException"


def test_a_sandbox_that_breaks_is_an_internal_error_and_the_session_stays(served: Served) -> None:
    session = served.session()
    assert code_of(lambda: served.invoke(session, "boom")) == "InternalServerException"
    served.invoke(session)


def test_a_sandbox_that_does_not_start_leaves_no_session() -> None:
    async def fail(*_: Any) -> MemorySandbox:
        raise RuntimeError("no sandbox today")

    with serving(start_sandbox=fail, enforce_quotas=True, sessions_per_account=1) as served:
        for _ in range(2):
            assert code_of(served.session) == "InternalServerException"
        assert served.local("GET", "state")["sessions"] == []


@pytest.mark.parametrize("meanwhile", ["reset", "delete"])
def test_a_sandbox_that_starts_too_late_is_closed(meanwhile: str) -> None:
    began, go_on = threading.Event(), threading.Event()
    sandboxes: list[MemorySandbox] = []

    async def start_slowly(directory: Path, variables: Mapping[str, str]) -> MemorySandbox:
        began.set()
        await asyncio.to_thread(go_on.wait)
        sandboxes.append(MemorySandbox(directory, variables))
        return sandboxes[0]

    with serving(start_sandbox=start_slowly) as served, ThreadPoolExecutor() as pool:
        interpreter_id = served.interpreter()
        start = pool.submit(served.session, codeInterpreterIdentifier=interpreter_id)
        began.wait()
        if meanwhile == "reset":
            served.local("POST", "reset")
        else:
            served.control().delete_code_interpreter(codeInterpreterId=interpreter_id)
        go_on.set()
        assert code_of(start.result) == "ConflictException"
        assert sandboxes[0].closed == 1
        assert served.local("GET", "state")["sessions"] == []


@pytest.mark.parametrize("code", ["ValidationException", NOT_FOUND])
def test_invoke_without_a_session(code: str) -> None:
    with serving(invoke_without_session=code) as served:
        invoke = served.data().invoke_code_interpreter
        params = {"codeInterpreterIdentifier": "aws.codeinterpreter.v1", "name": "listFiles"}
        assert code_of(lambda: invoke(**params)) == code


@pytest.mark.parametrize("code", ["ConflictException", NOT_FOUND, "ValidationException"])
def test_start_on_an_interpreter_that_is_not_ready(code: str) -> None:
    with serving(create_seconds=60, ready_after_delete_seconds=60, start_while_not_ready=code) as s:
        interpreter_id = s.interpreter()
        params = {"codeInterpreterIdentifier": interpreter_id}
        assert code_of(lambda: s.session(**params)) == code
        s.advance(60)
        s.data().stop_code_interpreter_session(**s.session(**params))
        s.control().delete_code_interpreter(codeInterpreterId=interpreter_id)
        assert code_of(lambda: s.session(**params)) == code


def test_start_on_an_unknown_interpreter(served: Served) -> None:
    unknown = {"codeInterpreterIdentifier": "no-0123456789"}
    assert code_of(lambda: served.session(**unknown)) == NOT_FOUND


@pytest.mark.parametrize("accepted", [True, False])
def test_an_arn_as_identifier(accepted: bool) -> None:
    with serving(accept_arn_as_identifier=accepted) as served:
        own = served.interpreter()
        arn = served.control().get_code_interpreter(codeInterpreterId=own)["codeInterpreterArn"]
        if accepted:
            session = served.session(codeInterpreterIdentifier=arn)
            assert "result" in served.invoke({**session, "codeInterpreterIdentifier": arn})[0]
        else:
            assert code_of(lambda: served.session(codeInterpreterIdentifier=arn)) == NOT_FOUND


def test_the_system_interpreter_mounts_no_filesystem(served: Served) -> None:
    point = f"arn:aws:elasticfilesystem:{REGION}:111122223333"
    filesystem = {
        "efsConfiguration": {
            "accessPointArn": f"{point}:access-point/fsap-12345678",
            "fileSystemArn": f"{point}:file-system/fs-12345678",
            "mountPath": "/mnt/data",
        }
    }
    start = {"filesystemConfigurations": [filesystem]}
    assert code_of(lambda: served.session(**start)) == "ValidationException"


class NoMounts(EveryRole):
    """Roles that may not mount anything."""

    def can_mount(self, *_: Any) -> bool:
        return False


class NoDescriptions(EveryRole):
    """Roles that may mount everything, and describe nothing."""

    def can_describe_mount(self, *_: Any) -> bool:
        return False


def mounting() -> dict[str, Any]:
    """Return the parameters of an interpreter with a filesystem."""
    point = f"arn:aws:elasticfilesystem:{REGION}:111122223333"
    filesystem = {
        "efsConfiguration": {
            "accessPointArn": f"{point}:access-point/fsap-12345678",
            "fileSystemArn": f"{point}:file-system/fs-12345678",
            "mountPath": "/mnt/data",
        }
    }
    vpc = {"subnets": ["subnet-12345678"], "securityGroups": ["sg-12345678"]}
    return {
        "networkConfiguration": {"networkMode": "VPC", "vpcConfig": vpc},
        "executionRoleArn": "arn:aws:iam::111122223333:role/r",
        "filesystemConfigurations": [filesystem],
    }


@pytest.mark.parametrize("roles", [NoMounts(), NoDescriptions()])
def test_create_refuses_a_role_that_may_not_describe_and_mount(roles: EveryRole) -> None:
    with (
        serving(roles=roles) as served,
        pytest.raises(ClientError, match="Execution role is missing required permissions") as error,
    ):
        served.interpreter(**mounting())
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_a_session_refuses_a_role_that_may_not_describe() -> None:
    parameters = mounting()
    filesystems = parameters.pop("filesystemConfigurations")
    with serving(roles=NoDescriptions()) as served:
        start = {
            "codeInterpreterIdentifier": served.interpreter(**parameters),
            "filesystemConfigurations": filesystems,
        }
        assert code_of(lambda: served.session(**start)) == "AccessDeniedException"


def test_descriptions_need_no_permission_if_only_the_mount_is_checked() -> None:
    with serving(roles=NoDescriptions(), check_mounts="start") as served:
        interpreter_id = served.interpreter(**mounting())
        assert served.session(codeInterpreterIdentifier=interpreter_id)


@pytest.mark.parametrize("error", ["AccessDeniedException", "ValidationException"])
def test_a_filesystem_that_the_role_may_not_mount(error: str) -> None:
    with serving(roles=NoMounts(), mount_not_allowed=error, check_mounts="start") as served:
        interpreter_id = served.interpreter(**mounting())
        assert code_of(lambda: served.session(codeInterpreterIdentifier=interpreter_id)) == error
        assert served.sandboxes == []


def test_quota_of_active_sessions() -> None:
    with serving(enforce_quotas=True, sessions_per_account=2) as served:
        first = served.session()
        served.session()
        assert code_of(served.session) == "ServiceQuotaExceededException"
        served.data().stop_code_interpreter_session(**first)
        served.session()
