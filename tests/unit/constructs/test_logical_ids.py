"""What CloudFormation knows the users' resources by does not change by accident.

`logical_ids.json` holds it for each way of using the library. After a change that is meant, this
writes it anew: `python -m tests.unit.constructs.test_logical_ids`
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import Stack

from .everything import MODES, new_app, resources
from .templates import only

LIST = Path(__file__).with_name("logical_ids.json")
WHY = (
    "CloudFormation deletes a resource whose logical id is gone and makes a new one: functions and "
    "roles change their ARNs, workspace buckets are left behind with everybody's files, code "
    "interpreters lose their sessions. It does so in the stacks of everybody who upgrades. Undo "
    "the renaming or, if it is worth that, write the list anew and say so in the release notes."
)


def logical_ids(mode: str) -> dict[str, str]:
    """The types of all resources, by logical id."""
    found = resources(MODES[mode](Stack(new_app(), "Test")))
    return {name: found[name]["Type"] for name in sorted(found)}


@pytest.mark.parametrize("mode", MODES)
def test_resources_keep_their_logical_ids(mode: str) -> None:
    assert logical_ids(mode) == json.loads(LIST.read_text())[mode], WHY


def test_code_interpreters_keep_their_generated_names() -> None:
    """A name can only be given at creation, so another one is another code interpreter."""
    stack = Stack(new_app(), "Test")
    MODES["defaults"](stack)
    assert only(stack, "Custom::CodeInterpreter")["NamePrefix"] == "TestInterpreter4C9DC8E2"


if __name__ == "__main__":
    LIST.write_text(json.dumps({mode: logical_ids(mode) for mode in MODES}, indent=2) + "\n")
