from __future__ import annotations

import pytest

from agentcore_emulator.http.app import create_app
from agentcore_emulator.settings import EmulatorSettings


@pytest.mark.parametrize(
    ("path", "handled"),
    [
        ("/code-interpreters", True),
        ("/code-interpreters/a/tools/invoke", True),
        ("/_agentcore/state", True),
        ("/tags/arn:aws:bedrock-agentcore:eu-west-1:1:code-interpreter-custom/a", True),
        ("/tags/arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A1%3Acode-interpreter%2Fa", True),
        ("/tags/arn:aws:bedrock-agentcore:eu-west-1:1:runtime/a", False),
        ("/code-interpreters-of-mine/key", False),
        ("/bucket/code-interpreters/a", False),
        ("/", False),
    ],
)
def test_handles_the_paths_of_code_interpreters_alone(path: str, handled: bool) -> None:
    assert create_app(EmulatorSettings()).handles(path) == handled
