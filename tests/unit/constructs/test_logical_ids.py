"""The logical ids, by which CloudFormation knows the users' resources, do not change.

`logical_ids.json` has them for each mode of use, as the golden templates have them. After an
intended change and `make golden`, this command writes the file again:
`python -m tests.unit.constructs.test_logical_ids`
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .everything import MODES, golden_template

LIST = Path(__file__).with_name("logical_ids.json")
# The resources of the modes that are CDK's or the test's.
OTHERS = (
    "CustomS3AutoDeleteObjectsCustomResourceProvider",
    "Key",
    "Rolegateway",
    "TargetsfromTest",
)
WHY = (
    "CloudFormation replaces a resource whose logical id changes, in the stack of every user who "
    "upgrades: functions and roles get new ARNs, workspace buckets stay behind with the files, "
    "code interpreters lose their sessions. Undo the change or, if it is worth that, write the "
    "file again and say so in the release notes."
)


def logical_ids(mode: str) -> dict[str, str]:
    """Return the types of the library's resources, by logical id."""
    found = golden_template(mode)["Resources"]
    return {name: found[name]["Type"] for name in sorted(found) if not name.startswith(OTHERS)}


@pytest.mark.parametrize("mode", MODES)
def test_resources_keep_their_logical_ids(mode: str) -> None:
    assert logical_ids(mode) == json.loads(LIST.read_text())[mode], WHY


def test_code_interpreters_keep_their_generated_names() -> None:
    """A name is set at creation, so another name is another code interpreter."""
    interpreter = golden_template("defaults")["Resources"]["Interpreter4F25A8DD"]
    assert interpreter["Properties"]["NamePrefix"] == "TestInterpreter4C9DC8E2"


if __name__ == "__main__":
    LIST.write_text(json.dumps({mode: logical_ids(mode) for mode in MODES}, indent=2) + "\n")
