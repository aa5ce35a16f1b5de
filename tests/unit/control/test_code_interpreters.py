"""The AWS calls, with the models that travel with the code, against recorded answers."""

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
def ours() -> CodeInterpreters:
    return CodeInterpreters.with_bundled_models()


@pytest.fixture
def control(ours: CodeInterpreters) -> Iterator[Stubber]:
    with Stubber(ours._control) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def data(ours: CodeInterpreters) -> Iterator[Stubber]:
    with Stubber(ours._data) as stubber:
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


def test_both_clients_are_made_of_the_models_that_travel_along(ours: CodeInterpreters) -> None:
    assert len(ours._control.meta.service_model.operation_names) == 7
    assert len(ours._data.meta.service_model.operation_names) == 2


def test_what_is_missing_is_none(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_client_error("get_code_interpreter", "ResourceNotFoundException")
    assert ours.get(ID) is None


@pytest.mark.parametrize("status", ["READY", "UPGRADING"])
def test_get_returns_the_code_interpreter_also_with_a_status_that_is_new(
    ours: CodeInterpreters, control: Stubber, status: str
) -> None:
    response = {
        **found(ID, status),
        "name": "mine",
        "networkConfiguration": {"networkMode": "SANDBOX"},
        "lastUpdatedAt": NOW,
    }
    control.add_response("get_code_interpreter", response, {"codeInterpreterId": ID})
    interpreter = ours.get(ID)
    assert interpreter == CodeInterpreter(
        ID, ARN, "mine", Status(status), NOW, "AWS gave no reason"
    )
    assert interpreter.status == interpreter.status.value == f"{interpreter.status}" == status


def test_what_is_forbidden_and_not_listed_is_gone(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_client_error("get_code_interpreter", "AccessDeniedException")
    page = {"codeInterpreterSummaries": [found("other-0123456789")]}
    control.add_response("list_code_interpreters", page)
    assert ours.get(ID) is None


def test_what_is_forbidden_and_listed_is_an_error(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_client_error("get_code_interpreter", "AccessDeniedException")
    control.add_response("list_code_interpreters", {"codeInterpreterSummaries": [found(ID)]})
    with pytest.raises(ServiceError) as error:
        ours.get(ID)
    assert error.value.is_denied


def test_all_pages_of_custom_ones_are_listed(ours: CodeInterpreters, control: Stubber) -> None:
    parameters = {"type": "CUSTOM", "maxResults": 100}
    first = {"codeInterpreterSummaries": [found("a-0123456789")], "nextToken": "more"}
    second = {"codeInterpreterSummaries": [found("b-0123456789")]}
    control.add_response("list_code_interpreters", first, parameters)
    control.add_response("list_code_interpreters", second, {**parameters, "nextToken": "more"})
    assert [interpreter.id for interpreter in ours.all()] == ["a-0123456789", "b-0123456789"]


def test_deleting_what_is_gone_is_no_error(ours: CodeInterpreters, control: Stubber) -> None:
    token = "0" * 36
    parameters = {"codeInterpreterId": ID, "clientToken": token}
    control.add_response("delete_code_interpreter", DELETED, parameters)
    control.add_client_error("delete_code_interpreter", "ResourceNotFoundException")
    ours.delete(ID, token=token)
    ours.delete(ID, token=token)


def test_no_tags_are_an_empty_mapping(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_response("list_tags_for_resource", {}, {"resourceArn": ARN})
    assert ours.tags(ARN) == {}


def test_what_is_gone_has_no_tags(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_client_error("list_tags_for_resource", "ResourceNotFoundException")
    assert ours.tags(ARN) == {}


def test_tags_that_may_not_be_read_are_an_error(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_client_error("list_tags_for_resource", "AccessDeniedException")
    with pytest.raises(ServiceError) as error:
        ours.tags(ARN)
    assert error.value.is_denied


def test_tagging_and_untagging(ours: CodeInterpreters, control: Stubber) -> None:
    control.add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"a": ""}})
    control.add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["b"]})
    ours.tag(ARN, {"a": ""})
    ours.untag(ARN, ["b"])


def test_only_live_sessions_of_all_pages_are_found(ours: CodeInterpreters, data: Stubber) -> None:
    parameters = {"codeInterpreterIdentifier": ID, "status": "READY", "maxResults": 100}
    operation = "list_code_interpreter_sessions"
    first = {"items": [session("one"), session("two", "TERMINATED")], "nextToken": "more"}
    data.add_response(operation, first, parameters)
    data.add_response(operation, {"items": [session("three")]}, {**parameters, "nextToken": "more"})
    assert list(ours.live_sessions(ID)) == ["one", "three"]


def test_stopping_what_has_ended_is_no_error(ours: CodeInterpreters, data: Stubber) -> None:
    data.add_client_error("stop_code_interpreter_session", "ResourceNotFoundException")
    ours.stop_session(ID, "one")


@pytest.mark.parametrize("listed", [True, False])
def test_sessions_that_are_forbidden_are_none_of_what_is_gone(
    ours: CodeInterpreters, control: Stubber, data: Stubber, listed: bool
) -> None:
    data.add_client_error("list_code_interpreter_sessions", "AccessDeniedException")
    data.add_client_error("stop_code_interpreter_session", "AccessDeniedException")
    for _ in range(2):
        page = {"codeInterpreterSummaries": [found(ID)] if listed else []}
        control.add_response("list_code_interpreters", page)
    for call in (lambda: list(ours.live_sessions(ID)), lambda: ours.stop_session(ID, "one")):
        if listed:
            with pytest.raises(ServiceError) as error:
                call()
            assert error.value.is_denied
        else:
            assert not call()


def test_what_the_data_plane_does_not_know_has_no_sessions(
    ours: CodeInterpreters, data: Stubber
) -> None:
    data.add_client_error("list_code_interpreter_sessions", "ResourceNotFoundException")
    assert list(ours.live_sessions(ID)) == []


def test_an_error_names_the_call_the_reason_and_the_request(
    ours: CodeInterpreters, control: Stubber
) -> None:
    control.add_client_error(
        "untag_resource",
        "ThrottlingException",
        "slow down",
        response_meta={"RequestId": "r-1"},
    )
    with pytest.raises(ServiceError) as error:
        ours.untag(ARN, ["a"])
    assert str(error.value) == ("untag_resource: slow down (ThrottlingException, request r-1)")


def test_what_the_model_refuses_is_an_error_of_the_call(ours: CodeInterpreters) -> None:
    with pytest.raises(
        ServiceError, match=r"create_code_interpreter: .*name.*\(ParamValidationError"
    ):
        ours.create({"name": 3})


def session(session_id: str, status: str = "READY") -> dict[str, Any]:
    return {
        "codeInterpreterIdentifier": ID,
        "sessionId": session_id,
        "status": status,
        "createdAt": NOW,
    }
