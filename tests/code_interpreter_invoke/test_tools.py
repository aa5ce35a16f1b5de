from __future__ import annotations

import subprocess
import sys
from typing import Any

import botocore.session
import pytest

from code_interpreter_invoke import dispatch
from code_interpreter_invoke.arguments import Argument
from code_interpreter_invoke.tools import (
    API_ARGUMENTS,
    CERTIFICATE,
    FILESYSTEM,
    OPERATIONS,
    TOOLS,
)

MODEL = botocore.session.Session().get_service_model("bedrock-agentcore")
INVOKE = MODEL.operation_model("InvokeCodeInterpreter").input_shape.members
START = MODEL.operation_model("StartCodeInterpreterSession").input_shape.members
TYPES = {"structure": "object", "list": "array", "blob": "string"}


def matches(argument: Argument, shape: Any) -> None:
    """The argument is the API model's own shape, blobs as base64."""
    assert argument.type == TYPES.get(shape.type_name, shape.type_name), argument.name
    if shape.type_name == "structure":
        assert {member.name for member in argument.members} == set(shape.members)
        required = {member.name for member in argument.members if member.required}
        union = shape.is_tagged_union and len(shape.members) == 1
        assert required == (set(shape.members) if union else set(shape.required_members))
        for member in argument.members:
            matches(member, shape.members[member.name])
    elif shape.type_name == "list":
        assert argument.items is not None
        matches(argument.items, shape.member)
    else:
        assert list(argument.allowed) == list(getattr(shape, "enum", []))


def test_every_operation_of_the_api_is_offered() -> None:
    assert list(OPERATIONS) == list(INVOKE["name"].enum)


def test_every_argument_of_the_api_is_offered() -> None:
    shape = INVOKE["arguments"]
    assert {argument.name for argument in API_ARGUMENTS} == set(shape.members)
    for argument in API_ARGUMENTS:
        matches(argument, shape.members[argument.name])


def test_certificates_and_file_systems_are_those_of_the_api() -> None:
    matches(CERTIFICATE, START["certificates"].member)
    matches(FILESYSTEM, START["filesystemConfigurations"].member)


def test_limits_are_those_of_the_api() -> None:
    [argument] = [a for a in TOOLS["start_session"].arguments if a.name.endswith("_seconds")]
    limits = START["sessionTimeoutSeconds"].metadata
    assert (argument.minimum, argument.maximum) == (limits["min"], limits["max"])


def test_every_tool_has_its_implementation() -> None:
    assert set(TOOLS) == set(dispatch.IMPLEMENTATIONS)


@pytest.mark.parametrize("module", ["tools", "schemas", "request", "callers"])
def test_the_definitions_need_the_standard_library_alone(module: str) -> None:
    program = (
        f"import sys, code_interpreter_invoke.{module}; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore'}))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": "lambda/invoke"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert printed.stdout == "[]\n"
