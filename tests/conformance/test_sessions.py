"""Sessions: start, read, list, stop, expire."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.service import SYSTEM_INTERPRETER, Service, Session, eventually, token


def status(service: Service, session: Session) -> str:
    return str(service.data.get_code_interpreter_session(**session)["status"])


@pytest.mark.parametrize("custom", [False, True])
def test_a_session_from_start_to_stop(service: Service, interpreter: Any, custom: bool) -> None:
    identifier = interpreter["codeInterpreterId"] if custom else SYSTEM_INTERPRETER
    with service.session(identifier, name="conformance", sessionTimeoutSeconds=300) as session:
        read = service.data.get_code_interpreter_session(**session)
        assert {member: read[member] for member in session} == session
        assert (read["name"], read["sessionTimeoutSeconds"]) == ("conformance", 300)
        assert read["status"] == "READY"
        assert service.python(session, "print(6 * 7)")["structuredContent"]["stdout"] == "42"
        stopped = service.data.stop_code_interpreter_session(**session)
        assert {member: stopped[member] for member in session} == session
        assert stopped["lastUpdatedAt"] >= read["createdAt"]
        assert status(service, session) == "TERMINATED"


def test_a_session_lives_for_900_seconds_unless_told_otherwise(
    service: Service, shared_session: Session
) -> None:
    read = service.data.get_code_interpreter_session(**shared_session)
    assert read["sessionTimeoutSeconds"] == 900


def test_names_need_not_be_unique(service: Service) -> None:
    with service.session(name="same") as one, service.session(name="same") as other:
        assert one["sessionId"] != other["sessionId"]


def test_invoke_fails_once_the_session_is_stopped(service: Service) -> None:
    with service.session() as session:
        service.data.stop_code_interpreter_session(**session)
        with pytest.raises(service.data.exceptions.ResourceNotFoundException):
            service.python(session, "pass")


def test_a_session_expires_though_it_is_used(service: Service) -> None:
    """The session may expire between two calls, or during one, whose stream then has the error."""
    with service.session(sessionTimeoutSeconds=2) as session:

        def is_over() -> bool:
            try:
                service.python(session, "pass")
            except ClientError:
                return True
            return False

        eventually(is_over)
        eventually(lambda: status(service, session) == "TERMINATED")
        with pytest.raises(service.data.exceptions.ResourceNotFoundException):
            service.python(session, "pass")


def test_start_with_the_same_client_token_makes_one(service: Service) -> None:
    parameters = {"name": "once", "clientToken": token()}
    with service.session(**parameters) as first, service.session(**parameters) as second:
        assert first == second


def test_stop_with_the_same_client_token_is_no_error(service: Service) -> None:
    with service.session() as session:
        parameters = {**session, "clientToken": token()}
        for _ in range(2):
            service.data.stop_code_interpreter_session(**parameters)


def test_list_filters_by_status(service: Service) -> None:
    with service.interpreter() as created:
        identifier = created["codeInterpreterId"]
        with service.session(identifier, name="on") as on, service.session(identifier) as off:
            service.data.stop_code_interpreter_session(**off)

            def listed(**options: Any) -> set[str]:
                items = service.data.list_code_interpreter_sessions(
                    codeInterpreterIdentifier=identifier, **options
                )["items"]
                assert all(item["codeInterpreterIdentifier"] == identifier for item in items)
                return {item["sessionId"] for item in items}

            assert listed(status="READY") == {on["sessionId"]}
            assert listed(status="TERMINATED") == {off["sessionId"]}
            assert listed() == {on["sessionId"], off["sessionId"]}


def test_list_in_pages_shows_each_once(service: Service) -> None:
    with service.interpreter() as created:
        identifier = created["codeInterpreterId"]
        with (
            service.session(identifier) as one,
            service.session(identifier) as two,
            service.session(identifier) as three,
        ):
            parameters: dict[str, Any] = {"codeInterpreterIdentifier": identifier, "maxResults": 2}
            found: list[str] = []
            while True:
                page = service.data.list_code_interpreter_sessions(**parameters)
                assert len(page["items"]) <= 2
                found += [item["sessionId"] for item in page["items"]]
                if "nextToken" not in page:
                    break
                parameters["nextToken"] = page["nextToken"]
            assert sorted(found) == sorted(each["sessionId"] for each in (one, two, three))


def test_trace_headers_are_accepted(service: Service, shared_session: Session) -> None:
    trace = {
        "traceId": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "traceParent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    with service.session(**trace) as session:
        assert status(service, session) == "READY"
    response = service.data.invoke_code_interpreter(**shared_session, **trace, name="listFiles")
    assert len(list(response["stream"])) >= 1


def test_sessions_do_not_see_each_other(service: Service) -> None:
    with service.session() as one, service.session() as other:
        service.python(one, "secret = 1\nopen('secret.txt', 'w').write('1')")
        seen = service.python(
            other, "import os\nprint('secret' in dir(), os.path.exists('secret.txt'))"
        )
        assert seen["structuredContent"]["stdout"] == "False False"


def test_a_session_belongs_to_its_interpreter(
    service: Service, interpreter: Any, shared_session: Session
) -> None:
    wrong = {**shared_session, "codeInterpreterIdentifier": interpreter["codeInterpreterId"]}
    with pytest.raises(ClientError):
        service.python(wrong, "pass")
