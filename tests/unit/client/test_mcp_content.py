"""A response as content for a model, also if a part of it does not come."""

from __future__ import annotations

from typing import NoReturn

from mcp_types import TextContent

from code_interpreter_client.errors import TransferFailed
from code_interpreter_client.mcp_content import content_of
from code_interpreter_client.results import Result


def refuse(path: str) -> NoReturn:
    raise TransferFailed(f"{path} was refused")


def test_a_part_that_does_not_come_hides_nothing_of_a_program_that_has_run() -> None:
    response = {
        "status": "ok",
        "stdout": "printed",
        "images": [{"mime_type": "image/png", "file": "code-interpreter/a.png"}],
        "results": [{"files": {"text/plain": "code-interpreter/a.txt"}}],
    }
    blocks = content_of(Result.from_response(response, "k", refuse))
    assert [block.text for block in blocks if isinstance(block, TextContent)] == [
        "printed",
        "[a result is there, but did not come: code-interpreter/a.txt was refused]",
        "[a.png is there, but did not come: code-interpreter/a.png was refused]",
    ]
