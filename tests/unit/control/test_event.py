from __future__ import annotations

import re
from typing import Any

import pytest

from code_interpreter_control.event import CustomResourceRequest, InterpreterSpec

NAME = re.compile("[a-zA-Z][a-zA-Z0-9_]{0,47}")


def request(request_id: str = "r", **properties: Any) -> CustomResourceRequest:
    return CustomResourceRequest.from_event(
        {
            "RequestType": "Create",
            "RequestId": request_id,
            "StackId": "stack",
            "LogicalResourceId": "resource",
            "ResponseURL": "url",
            "ResourceProperties": properties,
        }
    )


def test_a_generated_name_depends_on_the_request() -> None:
    assert request("a", NamePrefix="P").new_name == request("a", NamePrefix="P").new_name
    assert request("a", NamePrefix="P").new_name != request("b", NamePrefix="P").new_name


def test_a_generated_name_matches_the_pattern_of_the_api() -> None:
    assert NAME.fullmatch(request(NamePrefix="P" * 37).new_name)


def test_a_given_name_is_used_unchanged() -> None:
    assert request(Name="mine").new_name == "mine"


@pytest.mark.parametrize(
    ("name", "is_recognised"),
    [("P_0123456789", True), ("P0_0123456789", False), ("P", False), ("other", False)],
)
def test_generated_names_are_recognised(name: str, is_recognised: bool) -> None:
    assert (
        InterpreterSpec.from_properties({"NamePrefix": "P"}).could_have_created(name)
        is is_recognised
    )


def test_given_names_are_recognised() -> None:
    spec = InterpreterSpec.from_properties({"Name": "mine"})
    assert spec.could_have_created("mine")
    assert not spec.could_have_created("mine2")


def test_only_properties_that_need_a_replacement_change_the_digest() -> None:
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
    digest = InterpreterSpec.from_properties(base).configuration_digest
    assert all(
        InterpreterSpec.from_properties(properties).configuration_digest == digest
        for properties in same
    )
    assert all(
        InterpreterSpec.from_properties(properties).configuration_digest != digest
        for properties in other
    )


def test_a_users_tag_cannot_replace_the_owners() -> None:
    forged = {"cdk-code-interpreter:stack-id": "theirs"}
    assert request(Tags=forged).all_tags["cdk-code-interpreter:stack-id"] == "stack"
