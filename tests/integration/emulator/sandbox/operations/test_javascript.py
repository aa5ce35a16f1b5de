"""executeCode with JavaScript and TypeScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.emulator.sandbox.conftest import Sandboxes, StartedSandbox


def execute(sandbox: StartedSandbox, code: str, **arguments: str) -> dict[str, Any]:
    return sandbox.invoke("executeCode", code=code, **arguments)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"language": "javascript"}, "console.log('Deno ' + (typeof Deno === 'object'))"),
        ({"language": "typescript"}, "const a: string = 'Deno true'; await 0; console.log(a)"),
        ({"language": "javascript", "runtime": "deno"}, "console.log('Deno', !!Deno.cwd())"),
        ({"runtime": "deno"}, "const a: string = 'Deno true'; console.log(a)"),
        (
            {"language": "javascript", "runtime": "nodejs"},
            "const path = require('path'); console.log('Node', path.sep, typeof Deno)",
        ),
        ({"runtime": "nodejs"}, "console.log('Node', require('path').sep, typeof Deno)"),
        (
            {"language": "typescript", "runtime": "nodejs"},
            "import { sep } from 'node:path'; const a: string = sep; console.log('Node', a,"
            " typeof globalThis['De' + 'no'])",
        ),
    ],
)
def test_each_language_runs_in_its_runtime(
    sandbox: StartedSandbox, arguments: dict[str, str], code: str
) -> None:
    result = execute(sandbox, code, **arguments)
    seconds = result["structuredContent"].pop("executionTime")
    text = "Node / undefined" if arguments.get("runtime") == "nodejs" else "Deno true"
    assert result == {
        "content": [{"type": "text", "text": text}],
        "structuredContent": {"stdout": text, "stderr": "", "exitCode": 0},
        "isError": False,
    }
    assert 0 < seconds < 60


@pytest.mark.parametrize("runtime", ["deno", "nodejs"])
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_an_exception_is_an_error_with_two_blocks(
    sandbox: StartedSandbox, language: str, runtime: str
) -> None:
    code = "console.log('before'); console.error('noise'); throw new Error('no good')"
    result = execute(sandbox, code, language=language, runtime=runtime)
    assert result["isError"] is True
    content = result["structuredContent"]
    assert content["exitCode"] == 1
    assert content["stdout"] == "before"
    assert content["stderr"].startswith("noise\n")
    assert "no good" in content["stderr"]
    assert [block["text"] for block in result["content"]] == [content["stdout"], content["stderr"]]


@pytest.mark.parametrize("runtime", ["deno", "nodejs"])
def test_programs_share_the_sessions_files(sandbox: StartedSandbox, runtime: str) -> None:
    sandbox.invoke(
        "writeFiles", content=[{"path": "node_modules/beside/index.js", "text": "exports.a = 42"}]
    )
    code = (
        "const fs = {}.constructor && process.getBuiltinModule('node:fs');"
        "fs.writeFileSync('js.txt', 'from js'); console.log(process.cwd().endsWith('var'))"
        if runtime == "nodejs"
        else "Deno.writeTextFileSync('js.txt', 'from js'); console.log(Deno.cwd().endsWith('var'))"
    )
    result = execute(sandbox, code, language="javascript", runtime=runtime)
    assert result["structuredContent"]["stdout"] == "true"
    assert sandbox.command("cat js.txt")["structuredContent"]["stdout"] == "from js"


@pytest.mark.parametrize("runtime", ["deno", "nodejs"])
def test_only_files_last_between_executions(sandbox: StartedSandbox, runtime: str) -> None:
    code = "console.log(typeof globalThis.kept); globalThis.kept = 1"
    for _ in range(2):
        result = execute(sandbox, code, language="javascript", runtime=runtime)
        assert result["structuredContent"]["stdout"] == "undefined"


def test_node_finds_the_sessions_modules(sandbox: StartedSandbox) -> None:
    sandbox.invoke(
        "writeFiles", content=[{"path": "node_modules/beside/index.js", "text": "exports.a = 42"}]
    )
    code = "console.log(require('beside').a)"
    result = execute(sandbox, code, language="javascript", runtime="nodejs")
    assert result["structuredContent"]["stdout"] == "42"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"language": "python", "runtime": "deno"}, "'deno' does not run python"),
        ({"language": "javascript", "runtime": "python"}, "'python' does not run javascript"),
    ],
)
def test_a_runtime_that_does_not_run_the_language_is_refused(
    sandbox: StartedSandbox, arguments: dict[str, str], words: str
) -> None:
    result = execute(sandbox, "1", **arguments)
    assert result["isError"] is True
    assert words in result["content"][0]["text"]


def test_the_default_language_is_python(sandbox: StartedSandbox) -> None:
    assert execute(sandbox, "print(1)")["structuredContent"]["stdout"] == "1"


def test_the_default_language_can_be_another(sandboxes: Sandboxes) -> None:
    sandbox = sandboxes.start(default_language="javascript")
    assert execute(sandbox, "console.log(1)")["structuredContent"]["stdout"] == "1"
    assert execute(sandbox, "print(2)", runtime="python")["structuredContent"]["stdout"] == "2"


@pytest.mark.parametrize(("runtime", "setting"), [("deno", "deno"), ("nodejs", "node")])
def test_a_missing_runtime_is_an_error_that_names_the_setting(
    sandboxes: Sandboxes, runtime: str, setting: str
) -> None:
    sandbox = sandboxes.start(**{setting: None})
    result = execute(sandbox, "1", language="javascript", runtime=runtime)
    assert result["isError"] is True
    assert f"SandboxSettings.{setting}" in result["content"][0]["text"]


@pytest.mark.parametrize(("colours", "expected"), [("none", False), ("as_the_runtime", True)])
def test_the_colours_of_an_exception_are_a_setting(
    sandboxes: Sandboxes, colours: str, expected: bool
) -> None:
    sandbox = sandboxes.start(javascript_colours=colours)
    result = sandbox.invoke(
        "executeCode", language="javascript", code="throw new Error('on purpose')"
    )
    stderr = result["structuredContent"]["stderr"]
    assert "on purpose" in stderr
    assert ("\x1b" in stderr) == expected
