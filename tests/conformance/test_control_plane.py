"""Code interpreters: create, get, list, delete, and their tags."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.service import SYSTEM_INTERPRETER, Service, eventually, name, token

SANDBOX = {"networkMode": "SANDBOX"}


def test_create_returns_id_arn_and_status(service: Service, interpreter: Any) -> None:
    region = service.control.meta.region_name
    interpreter_id = interpreter["codeInterpreterId"]
    assert re.fullmatch(r"\w+_[0-9a-f]{12}-[a-zA-Z0-9]{10}", interpreter_id)
    assert re.fullmatch(
        rf"arn:aws(-[^:]+)?:bedrock-agentcore:{region}:[0-9]{{12}}"
        rf":code-interpreter-custom/{interpreter_id}",
        interpreter["codeInterpreterArn"],
    )
    assert interpreter["status"] in ("CREATING", "READY")
    assert interpreter["ResponseMetadata"]["HTTPStatusCode"] == 202


def test_get_gives_back_what_was_created(service: Service, interpreter: Any) -> None:
    read = service.control.get_code_interpreter(codeInterpreterId=interpreter["codeInterpreterId"])
    for member in ("codeInterpreterId", "codeInterpreterArn", "createdAt"):
        assert read[member] == interpreter[member]
    assert interpreter["codeInterpreterId"].startswith(read["name"] + "-")
    assert (read["status"], read["description"]) == ("READY", "conformance")
    assert read["networkConfiguration"] == SANDBOX
    assert read["lastUpdatedAt"] >= read["createdAt"]
    assert "executionRoleArn" not in read
    assert "failureReason" not in read


@pytest.mark.parametrize("mode", ["SANDBOX", "PUBLIC"])
def test_an_interpreter_from_create_to_gone(service: Service, mode: str) -> None:
    with service.interpreter(networkConfiguration={"networkMode": mode}) as created:
        interpreter_id = created["codeInterpreterId"]
        read = service.control.get_code_interpreter(codeInterpreterId=interpreter_id)
        assert read["networkConfiguration"] == {"networkMode": mode}
        deleted = service.control.delete_code_interpreter(codeInterpreterId=interpreter_id)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert deleted["codeInterpreterId"] == interpreter_id
        eventually(lambda: service.is_gone(interpreter_id))
        with pytest.raises(service.data.exceptions.ResourceNotFoundException):
            service.data.start_code_interpreter_session(codeInterpreterIdentifier=interpreter_id)


def test_a_name_is_free_again_once_its_interpreter_is_gone(service: Service) -> None:
    reused = name()
    ids = set()
    for _ in range(2):
        with service.interpreter(name=reused) as created:
            ids.add(created["codeInterpreterId"])
    assert len(ids) == 2


def test_a_name_can_be_taken_once(service: Service, interpreter: Any) -> None:
    taken = service.control.get_code_interpreter(
        codeInterpreterId=interpreter["codeInterpreterId"]
    )["name"]
    with pytest.raises(ClientError) as error:
        service.control.create_code_interpreter(name=taken, networkConfiguration=SANDBOX)
    assert error.value.response["Error"]["Code"] in ("ConflictException", "ValidationException")


def test_create_with_the_same_client_token_makes_one(service: Service) -> None:
    parameters = {"name": name(), "networkConfiguration": SANDBOX, "clientToken": token()}
    with service.interpreter(**parameters) as created:
        again = service.control.create_code_interpreter(**parameters)
        assert again["codeInterpreterId"] == created["codeInterpreterId"]


def test_delete_with_sessions_is_refused(service: Service) -> None:
    with service.interpreter() as created:
        interpreter_id = created["codeInterpreterId"]
        with service.session(interpreter_id), service.session(interpreter_id):
            with pytest.raises(ClientError) as refused:
                service.control.delete_code_interpreter(codeInterpreterId=interpreter_id)
            error: Any = refused.value.response["Error"]
            assert error["Code"] == "ConflictException"
            assert error["Message"].endswith("There are 2 active sessions")


def test_delete_with_the_same_client_token_is_no_error(service: Service) -> None:
    with service.interpreter() as created:
        delete = {"codeInterpreterId": created["codeInterpreterId"], "clientToken": token()}
        for _ in range(2):
            service.control.delete_code_interpreter(**delete)


def test_the_system_interpreter(service: Service) -> None:
    system = service.control.get_code_interpreter(codeInterpreterId=SYSTEM_INTERPRETER)
    assert system["status"] == "READY"
    assert system["codeInterpreterId"] == SYSTEM_INTERPRETER
    assert system["description"] == "AWS built-in code interpreter for secure code execution"
    assert re.fullmatch(
        r"arn:aws(-[^:]+)?:bedrock-agentcore:[a-z0-9-]+:aws"
        r":code-interpreter/aws\.codeinterpreter\.v1",
        system["codeInterpreterArn"],
    )


def test_list_system_interpreters(service: Service) -> None:
    listed = service.control.list_code_interpreters(type="SYSTEM")["codeInterpreterSummaries"]
    assert SYSTEM_INTERPRETER in [summary["codeInterpreterId"] for summary in listed]


@pytest.mark.parametrize("options", [{"type": "CUSTOM"}, {}], ids=str)
def test_list_custom_interpreters(
    service: Service, interpreter: Any, options: dict[str, str]
) -> None:
    paginator = service.control.get_paginator("list_code_interpreters")
    pages = paginator.paginate(**options, PaginationConfig={"PageSize": 100})
    listed = {
        summary["codeInterpreterId"]: summary
        for page in pages
        for summary in page["codeInterpreterSummaries"]
    }
    assert SYSTEM_INTERPRETER not in listed
    summary = listed[interpreter["codeInterpreterId"]]
    assert summary["codeInterpreterArn"] == interpreter["codeInterpreterArn"]
    assert summary["createdAt"] == interpreter["createdAt"]
    assert (summary["status"], summary["description"]) == ("READY", "conformance")


def test_list_in_pages_shows_each_once(service: Service, interpreter: Any) -> None:
    with service.interpreter() as other:
        paginator = service.control.get_paginator("list_code_interpreters")
        pages = list(paginator.paginate(type="CUSTOM", PaginationConfig={"PageSize": 1}))
        ids = [
            one["codeInterpreterId"] for page in pages for one in page["codeInterpreterSummaries"]
        ]
        assert all(len(page["codeInterpreterSummaries"]) <= 1 for page in pages)
        assert len(set(ids)) == len(ids)
        assert {interpreter["codeInterpreterId"], other["codeInterpreterId"]} <= set(ids)


def test_tags_are_added_replaced_and_removed(service: Service) -> None:
    with service.interpreter(tags={"team": "red", "cost": "1"}) as created:
        arn = created["codeInterpreterArn"]

        def tags() -> Any:
            return service.control.list_tags_for_resource(resourceArn=arn)["tags"]

        assert tags() == {"team": "red", "cost": "1"}
        service.control.tag_resource(resourceArn=arn, tags={"team": "blue", "empty": ""})
        assert tags() == {"team": "blue", "cost": "1", "empty": ""}
        service.control.untag_resource(resourceArn=arn, tagKeys=["cost", "empty"])
        assert tags() == {"team": "blue"}


def test_an_interpreter_without_tags(service: Service) -> None:
    with service.interpreter() as created:
        arn = created["codeInterpreterArn"]
        assert service.control.list_tags_for_resource(resourceArn=arn).get("tags", {}) == {}
