"""The calls to AgentCore, with the bundled models, against stubbed responses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from code_interpreter_control.code_interpreters import CodeInterpreter, CodeInterpreters, Status
from code_interpreter_control.errors import ServiceError

ID = "mine-0123456789"
ARN = f"arn:aws:bedrock-agentcore:us-east-1:123456789012:code-interpreter-custom/{ID}"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
DELETED = {"codeInterpreterId": ID, "status": "DELETING", "lastUpdatedAt": NOW}


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def interpreters() -> CodeInterpreters:
    return CodeInterpreters.with_bundled_models()


@pytest.fixture
def control(interpreters: CodeInterpreters) -> Iterator[Stubber]:
    with Stubber(interpreters._control) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def data(interpreters: CodeInterpreters) -> Iterator[Stubber]:
    with Stubber(interpreters._data) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def found(name: str, status: str = "READY") -> dict[str, Any]:
    arn = ARN.replace(ID, name)
    return {
        "codeInterpreterId": name,
        "codeInterpreterArn": arn,
        "status": status,
        "createdAt": NOW,
    }


def test_both_clients_use_the_bundled_models(interpreters: CodeInterpreters) -> None:
    assert len(interpreters._control.meta.service_model.operation_names) == 7
    assert len(interpreters._data.meta.service_model.operation_names) == 2


def test_a_missing_code_interpreter_is_none(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error("get_code_interpreter", "ResourceNotFoundException")
    assert interpreters.get(ID) is None


@pytest.mark.parametrize("status", ["READY", "UPGRADING"])
def test_get_keeps_a_status_that_is_new_to_this_code(
    interpreters: CodeInterpreters, control: Stubber, status: str
) -> None:
    response = {
        **found(ID, status),
        "name": "mine",
        "networkConfiguration": {"networkMode": "SANDBOX"},
        "lastUpdatedAt": NOW,
    }
    control.add_response("get_code_interpreter", response, {"codeInterpreterId": ID})
    interpreter = interpreters.get(ID)
    assert interpreter == CodeInterpreter(
        ID, ARN, "mine", Status(status), NOW, "AWS gave no reason"
    )
    assert interpreter.status == interpreter.status.value == f"{interpreter.status}" == status


def test_a_denied_code_interpreter_that_is_not_listed_is_none(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error("get_code_interpreter", "AccessDeniedException")
    page = {"codeInterpreterSummaries": [found("other-0123456789")]}
    control.add_response("list_code_interpreters", page)
    assert interpreters.get(ID) is None


def test_a_denied_code_interpreter_that_is_listed_is_an_error(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error("get_code_interpreter", "AccessDeniedException")
    control.add_response("list_code_interpreters", {"codeInterpreterSummaries": [found(ID)]})
    with pytest.raises(ServiceError) as error:
        interpreters.get(ID)
    assert error.value.is_denied


def test_all_pages_of_custom_code_interpreters_are_listed(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    parameters = {"type": "CUSTOM", "maxResults": 100}
    first = {"codeInterpreterSummaries": [found("a-0123456789")], "nextToken": "more"}
    second = {"codeInterpreterSummaries": [found("b-0123456789")]}
    control.add_response("list_code_interpreters", first, parameters)
    control.add_response("list_code_interpreters", second, {**parameters, "nextToken": "more"})
    assert [interpreter.id for interpreter in interpreters.all()] == [
        "a-0123456789",
        "b-0123456789",
    ]


def test_deleting_a_missing_code_interpreter_is_no_error(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    token = "0" * 36
    parameters = {"codeInterpreterId": ID, "clientToken": token}
    control.add_response("delete_code_interpreter", DELETED, parameters)
    control.add_client_error("delete_code_interpreter", "ResourceNotFoundException")
    interpreters.delete(ID, token=token)
    interpreters.delete(ID, token=token)


def test_no_tags_are_an_empty_mapping(interpreters: CodeInterpreters, control: Stubber) -> None:
    control.add_response("list_tags_for_resource", {}, {"resourceArn": ARN})
    assert interpreters.tags(ARN) == {}


def test_a_missing_code_interpreter_has_no_tags(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error("list_tags_for_resource", "ResourceNotFoundException")
    assert interpreters.tags(ARN) == {}


def test_denied_access_to_tags_is_an_error(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error("list_tags_for_resource", "AccessDeniedException")
    with pytest.raises(ServiceError) as error:
        interpreters.tags(ARN)
    assert error.value.is_denied


def test_tagging_and_untagging(interpreters: CodeInterpreters, control: Stubber) -> None:
    control.add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"a": ""}})
    control.add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["b"]})
    interpreters.tag(ARN, {"a": ""})
    interpreters.untag(ARN, ["b"])


def test_the_live_sessions_of_all_pages_are_listed(
    interpreters: CodeInterpreters, data: Stubber
) -> None:
    parameters = {"codeInterpreterIdentifier": ID, "status": "READY", "maxResults": 100}
    operation = "list_code_interpreter_sessions"
    first = {
        "items": [session("session-1"), session("session-2", "TERMINATED")],
        "nextToken": "more",
    }
    data.add_response(operation, first, parameters)
    data.add_response(
        operation, {"items": [session("session-3")]}, {**parameters, "nextToken": "more"}
    )
    assert list(interpreters.live_sessions(ID)) == ["session-1", "session-3"]


def test_stopping_an_ended_session_is_no_error(
    interpreters: CodeInterpreters, data: Stubber
) -> None:
    data.add_client_error("stop_code_interpreter_session", "ResourceNotFoundException")
    interpreters.stop_session(ID, "session-1")


@pytest.mark.parametrize("listed", [True, False])
def test_denied_sessions_are_an_error_unless_the_code_interpreter_is_gone(
    interpreters: CodeInterpreters, control: Stubber, data: Stubber, listed: bool
) -> None:
    data.add_client_error("list_code_interpreter_sessions", "AccessDeniedException")
    data.add_client_error("stop_code_interpreter_session", "AccessDeniedException")
    for _ in range(2):
        page = {"codeInterpreterSummaries": [found(ID)] if listed else []}
        control.add_response("list_code_interpreters", page)
    for call in (
        lambda: list(interpreters.live_sessions(ID)),
        lambda: interpreters.stop_session(ID, "session-1"),
    ):
        if listed:
            with pytest.raises(ServiceError) as error:
                call()
            assert error.value.is_denied
        else:
            assert not call()


def test_a_code_interpreter_unknown_to_the_data_plane_has_no_sessions(
    interpreters: CodeInterpreters, data: Stubber
) -> None:
    data.add_client_error("list_code_interpreter_sessions", "ResourceNotFoundException")
    assert list(interpreters.live_sessions(ID)) == []


def test_an_error_names_the_operation_the_message_and_the_request(
    interpreters: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error(
        "untag_resource",
        "ThrottlingException",
        "slow down",
        response_meta={"RequestId": "r-1"},
    )
    with pytest.raises(ServiceError) as error:
        interpreters.untag(ARN, ["a"])
    assert str(error.value) == ("untag_resource: slow down (ThrottlingException, request r-1)")


def test_parameters_that_the_model_refuses_are_a_service_error(
    interpreters: CodeInterpreters,
) -> None:
    with pytest.raises(
        ServiceError, match=r"create_code_interpreter: .*name.*\(ParamValidationError"
    ):
        interpreters.create({"name": 3})


def session(session_id: str, status: str = "READY") -> dict[str, Any]:
    return {
        "codeInterpreterIdentifier": ID,
        "sessionId": session_id,
        "status": status,
        "createdAt": NOW,
    }
