from __future__ import annotations

import re
from typing import Any

import pytest

from code_interpreter_control.event import InterpreterSpec, Request

NAME = re.compile("[a-zA-Z][a-zA-Z0-9_]{0,47}")


def request(request_id: str = "r", **properties: Any) -> Request:
    return Request.from_event(
        {
            "RequestType": "Create",
            "RequestId": request_id,
            "StackId": "stack",
            "LogicalResourceId": "resource",
            "ResponseURL": "url",
            "ResourceProperties": properties,
        }
    )


def test_the_same_request_always_gives_the_same_name_and_another_another() -> None:
    assert request("a", NamePrefix="P").new_name == request("a", NamePrefix="P").new_name
    assert request("a", NamePrefix="P").new_name != request("b", NamePrefix="P").new_name


def test_a_generated_name_is_one_that_the_service_takes() -> None:
    assert NAME.fullmatch(request(NamePrefix="P" * 37).new_name)


def test_a_given_name_stays_as_it_is() -> None:
    assert request(Name="mine").new_name == "mine"


@pytest.mark.parametrize(
    ("name", "mine"),
    [("P_0123456789", True), ("P0_0123456789", False), ("P", False), ("other", False)],
)
def test_generated_names_are_recognised(name: str, mine: bool) -> None:
    assert InterpreterSpec.from_properties({"NamePrefix": "P"}).could_have_created(name) is mine


def test_given_names_are_recognised() -> None:
    spec = InterpreterSpec.from_properties({"Name": "mine"})
    assert spec.could_have_created("mine")
    assert not spec.could_have_created("mine2")


def test_only_what_needs_a_new_code_interpreter_is_its_configuration() -> None:
    base: dict[str, Any] = {"NamePrefix": "P", "Description": "d"}
    same: list[dict[str, Any]] = [
        {**base, "Tags": {"a": "b"}},
        {**base, "NamePrefix": "Q"},
        {**base, "ServiceToken": "x", "ServiceTimeout": "1"},
    ]
    other: list[dict[str, Any]] = [
        {**base, "Description": "e"},
        {**base, "Name": "n"},
        {"NamePrefix": "P"},
    ]
    configuration = InterpreterSpec.from_properties(base).configuration_digest
    assert all(
        InterpreterSpec.from_properties(one).configuration_digest == configuration for one in same
    )
    assert all(
        InterpreterSpec.from_properties(one).configuration_digest != configuration for one in other
    )


def test_users_tags_cannot_pretend_another_owner() -> None:
    forged = {"cdk-code-interpreter:stack-id": "theirs"}
    assert request(Tags=forged).all_tags["cdk-code-interpreter:stack-id"] == "stack"
