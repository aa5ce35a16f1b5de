"""The nine operations inside a session."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.service import Service, Session, eventually, name, text

ESCAPE = "\x1b"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


# A command waits until the test creates the file, however busy the machine is.
WAIT_FOR_GO = "until [ -e go ]; do sleep 0.1; done"


def go(service: Service, session: Session) -> None:
    service.invoke(session, "writeFiles", content=[{"path": "go", "text": ""}])


def structured(result: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = result["structuredContent"]
    return content


# executeCode


def test_python_that_works(service: Service, shared_session: Session) -> None:
    result = service.python(shared_session, "print('Hello World!!!')")
    assert result["isError"] is False
    assert result["content"] == [{"type": "text", "text": "Hello World!!!"}]
    output = structured(result)
    assert (output["stdout"], output["stderr"], output["exitCode"]) == ("Hello World!!!", "", 0)


def test_python_keeps_stdout_and_stderr_apart(service: Service, shared_session: Session) -> None:
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)"
    output = structured(service.python(shared_session, code))
    assert (output["stdout"].strip(), output["stderr"].strip()) == ("out", "err")
    assert output["exitCode"] == 0


def test_python_that_raises(service: Service, shared_session: Session) -> None:
    result = service.python(shared_session, "print('before')\n1 / 0")
    assert result["isError"] is True
    output = structured(result)
    assert (output["stdout"], output["exitCode"]) == ("before", 1)
    assert "ZeroDivisionError: division by zero" in output["stderr"]
    texts = [block["text"] for block in result["content"]]
    assert texts == [output["stdout"], output["stderr"]]


def test_python_that_does_not_compile(service: Service, shared_session: Session) -> None:
    result = service.python(shared_session, "def")
    assert result["isError"] is True


def test_python_that_catches_its_own_exception(service: Service, shared_session: Session) -> None:
    code = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print(f'caught {error}')"
    result = service.python(shared_session, code)
    assert result["isError"] is False
    assert structured(result)["stdout"] == "caught division by zero"


def test_python_finds_no_credentials_without_an_execution_role(
    service: Service, shared_session: Session
) -> None:
    code = "import boto3\nprint(boto3.Session().get_credentials())"
    assert structured(service.python(shared_session, code))["stdout"] == "None"


def test_python_keeps_variables_imports_and_files(service: Service, session: Session) -> None:
    service.python(session, "import math\nradius = 2\nopen('kept.txt', 'w').write('kept')")
    output = structured(
        service.python(session, "print(round(math.pi * radius), open('kept.txt').read())")
    )
    assert output["stdout"] == "6 kept"


def test_clear_context_drops_variables_but_not_files(service: Service, session: Session) -> None:
    service.python(session, "dropped = 1\nopen('kept.txt', 'w').write('kept')")
    result = service.python(session, "print(open('kept.txt').read())", clearContext=True)
    assert structured(result)["stdout"] == "kept"
    result = service.python(session, "dropped")
    assert "NameError" in structured(result)["stderr"]


def test_a_session_survives_python_that_raises(service: Service, session: Session) -> None:
    service.python(session, "value = 1")
    service.python(session, "raise SystemError")
    assert structured(service.python(session, "print(value)"))["stdout"] == "1"


def test_execution_time_is_in_seconds(service: Service, shared_session: Session) -> None:
    output = structured(service.python(shared_session, "import time\ntime.sleep(0.3)"))
    assert 0.3 <= output["executionTime"] < 30


@pytest.mark.parametrize("written", ["äöü €", "日本語", "🐍", "a\tb", "x" * 100_000])
def test_python_output_of_every_kind(
    service: Service, shared_session: Session, written: str
) -> None:
    output = structured(service.python(shared_session, f"print({written!r})"))
    assert output["stdout"] == written


def test_white_space_around_the_output_is_removed(
    service: Service, shared_session: Session
) -> None:
    """Pandas pads the header of a table, and recorded outputs lack the blanks."""
    output = structured(service.python(shared_session, "print('      a  b')\nprint('0  1  2')"))
    assert output["stdout"] == "a  b\n0  1  2"


@pytest.mark.parametrize("code", ["1 / 0", "def", "raise SystemExit(1)", "import absent"])
def test_a_traceback_has_no_colours(service: Service, shared_session: Session, code: str) -> None:
    result = service.python(shared_session, code)
    assert ESCAPE not in structured(result)["stderr"] + text(result)


def test_python_many_lines(service: Service, shared_session: Session) -> None:
    output = structured(service.python(shared_session, "for n in range(1000):\n    print(n)"))
    assert output["stdout"].split() == [str(number) for number in range(1000)]


def test_a_plot_is_saved_and_read(service: Service, session: Session) -> None:
    code = (
        "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1, 2])\nplt.savefig('plot.png')"
    )
    assert service.python(session, code)["isError"] is False
    assert read(service, session, "plot.png").startswith(PNG_SIGNATURE)


@pytest.mark.parametrize(
    ("language", "runtime", "code", "printed"),
    [
        ("javascript", None, "console.log([1, 2, 3].map(n => n * 2).join())", "2,4,6"),
        ("javascript", None, "console.log(typeof Deno)", "object"),
        ("javascript", "deno", "console.log(typeof Deno)", "object"),
        ("javascript", "nodejs", "console.log(typeof process.versions.node)", "string"),
        ("javascript", "nodejs", "console.log(require('path').join('a', 'b'))", "a/b"),
        ("typescript", None, "const n: number = 20; console.log(n + 1)", "21"),
        ("typescript", "deno", "const n: number = 20; console.log(n + 1)", "21"),
        ("typescript", "nodejs", "const n: number = 20; console.log(n + 1)", "21"),
        ("python", "python", "print(20 + 1)", "21"),
    ],
)
def test_every_language_and_runtime(
    service: Service,
    shared_session: Session,
    language: str,
    runtime: str | None,
    code: str,
    printed: str,
) -> None:
    chosen = {"language": language} | ({"runtime": runtime} if runtime else {})
    result = service.invoke(shared_session, "executeCode", code=code, **chosen)
    assert result["isError"] is False, text(result)
    assert structured(result)["stdout"].strip() == printed
    assert structured(result)["exitCode"] == 0


@pytest.mark.parametrize("runtime", ["deno", "nodejs"])
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_scripts_that_throw(
    service: Service, shared_session: Session, language: str, runtime: str
) -> None:
    result = service.invoke(
        shared_session,
        "executeCode",
        code="console.log('before')\nthrow new Error('on purpose')",
        language=language,
        runtime=runtime,
    )
    assert result["isError"] is True
    assert structured(result)["exitCode"] != 0
    assert "on purpose" in text(result)


# executeCommand


def test_a_command_that_works_runs_on_a_terminal(service: Service, shared_session: Session) -> None:
    result = service.invoke(shared_session, "executeCommand", command="echo 'Hello world!'")
    assert result["isError"] is False
    assert text(result) == "Hello world!\r\n"
    output = structured(result)
    assert (output["stdout"], output["stderr"]) == ("Hello world!\r\n", "")
    assert output["exitCode"] == 0


@pytest.mark.parametrize("exit_code", [1, 3, 42])
def test_the_output_of_a_command_that_fails_is_in_stderr(
    service: Service, shared_session: Session, exit_code: int
) -> None:
    command = f"echo hello; exit {exit_code}"
    result = service.invoke(shared_session, "executeCommand", command=command)
    assert result["isError"] is True
    output = structured(result)
    assert (output["stdout"], output["stderr"]) == ("", "hello\r\n")
    assert output["exitCode"] == exit_code


def test_a_command_merges_its_streams(service: Service, shared_session: Session) -> None:
    command = "echo out; echo err >&2"
    output = structured(service.invoke(shared_session, "executeCommand", command=command))
    assert (output["stdout"], output["stderr"]) == ("out\r\nerr\r\n", "")


def test_every_command_has_a_fresh_shell_and_the_same_files(
    service: Service, session: Session
) -> None:
    first = "mkdir deep && cd deep && export KEPT=no && echo yes > file"
    service.invoke(session, "executeCommand", command=first)
    second = 'echo "KEPT=$KEPT" "$(cat deep/file)"'
    output = structured(service.invoke(session, "executeCommand", command=second))
    assert output["stdout"] == "KEPT= yes\r\n"


def test_commands_are_bash(service: Service, shared_session: Session) -> None:
    command = 'set -o pipefail; a=(1 2 3); echo "${#a[@]}" "${BASH_VERSION:+bash}"'
    output = structured(service.invoke(shared_session, "executeCommand", command=command))
    assert output["stdout"] == "3 bash\r\n"


def test_what_a_command_leaves_in_the_background_ends_with_it(
    service: Service, session: Session
) -> None:
    command = f"({WAIT_FOR_GO}; touch survived) > /dev/null 2>&1 &"
    service.invoke(session, "executeCommand", command=command)
    go(service, session)
    service.python(session, "import time\ntime.sleep(1)")
    seen = service.python(session, "import os\nprint(os.path.exists('survived'))")
    assert structured(seen)["stdout"] == "False"


# startCommandExecution, getTask, stopTask


def start_task(service: Service, session: Session, command: str) -> str:
    result = service.invoke(session, "startCommandExecution", command=command)
    assert result["isError"] is False
    assert structured(result)["taskStatus"] == "submitted"
    return str(structured(result)["taskId"])


def task_status(service: Service, session: Session, task_id: str) -> str:
    task = service.invoke(session, "getTask", taskId=task_id)
    return str(structured(task)["taskStatus"])


def test_a_task_that_completes(service: Service, session: Session) -> None:
    task_id = start_task(service, session, f"echo started; {WAIT_FOR_GO}; echo finished")
    working = service.invoke(session, "getTask", taskId=task_id)
    assert structured(working)["taskStatus"] in ("submitted", "working")
    assert structured(working)["stdout"] == ""
    service.python(session, "import time\ntime.sleep(0.5)")
    go(service, session)
    eventually(lambda: task_status(service, session, task_id) == "completed")
    done = service.invoke(session, "getTask", taskId=task_id)
    assert done["isError"] is False
    output = structured(done)
    assert (output["stdout"], output["stderr"]) == ("started\r\nfinished\r\n", "")
    assert output["exitCode"] == 0
    assert output["executionTime"] >= 0.5


def test_a_task_that_fails(service: Service, session: Session) -> None:
    task_id = start_task(service, session, "exit 3")
    eventually(lambda: task_status(service, session, task_id) not in ("submitted", "working"))
    done = service.invoke(session, "getTask", taskId=task_id)
    assert structured(done)["taskStatus"] in ("failed", "completed")
    assert structured(done).get("exitCode", 3) == 3


def test_a_task_that_is_stopped(service: Service, session: Session) -> None:
    task_id = start_task(service, session, f"{WAIT_FOR_GO}; touch survived")
    stopped = service.invoke(session, "stopTask", taskId=task_id)
    assert stopped["isError"] is False
    assert task_status(service, session, task_id) == "canceled"
    go(service, session)
    service.python(session, "import time\ntime.sleep(1)")
    seen = service.python(session, "import os\nprint(os.path.exists('survived'))")
    assert structured(seen)["stdout"] == "False"


def test_a_finished_task_cannot_be_stopped(service: Service, session: Session) -> None:
    task_id = start_task(service, session, "true")
    eventually(lambda: task_status(service, session, task_id) == "completed")
    assert service.invoke(session, "stopTask", taskId=task_id)["isError"] is True


@pytest.mark.parametrize("tool", ["getTask", "stopTask"])
def test_an_unknown_task(service: Service, shared_session: Session, tool: str) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"
    assert service.invoke(shared_session, tool, taskId=unknown)["isError"] is True


def test_a_session_works_while_a_task_does(service: Service, session: Session) -> None:
    task_id = start_task(service, session, "sleep 30")
    assert structured(service.python(session, "print(1)"))["stdout"] == "1"
    service.invoke(session, "stopTask", taskId=task_id)


# writeFiles, readFiles, listFiles, removeFiles


def read(service: Service, session: Session, path: str) -> bytes:
    """Return the content of one file."""
    result = service.invoke(session, "readFiles", paths=[path])
    assert result["isError"] is False
    (block,) = result["content"]
    assert block["type"] == "resource"
    assert block["resource"]["uri"] == f"file:///{path}"
    return content_of(block)


def content_of(block: dict[str, Any]) -> bytes:
    """Return the content of a resource, which is text or base64."""
    resource = block["resource"]
    return resource["text"].encode() if "text" in resource else base64.b64decode(resource["blob"])


def listed(service: Service, session: Session, folder: str) -> dict[str, dict[str, Any]]:
    result = service.invoke(session, "listFiles", directoryPath=folder)
    assert result["isError"] is False
    assert all(block["type"] == "resource_link" for block in result["content"])
    return {block["name"]: block for block in result["content"]}


@pytest.mark.parametrize(
    "content",
    [
        {"text": "pikachu"},
        {"text": "two\nlines\n"},
        {"text": "äöü € 日本語 🐍"},
        {"blob": b"plain"},
        {"blob": bytes(range(256))},
        {"blob": PNG_SIGNATURE + bytes(1000)},
        {"text": "x" * 1_000_000},
        {"blob": bytes(1_000_000)},
    ],
    ids=lambda content: f"{next(iter(content))}-{len(next(iter(content.values())))}",
)
def test_a_file_is_read_as_it_was_written(
    service: Service, shared_session: Session, content: dict[str, Any]
) -> None:
    path = f"{name()}.dat"
    written = service.invoke(shared_session, "writeFiles", content=[{"path": path, **content}])
    assert written["isError"] is False
    assert text(written) == "Successfully wrote all 1 files"
    assert "structuredContent" not in written
    (given,) = content.values()
    expected = given.encode() if isinstance(given, str) else given
    assert read(service, shared_session, path) == expected


def test_several_files_in_new_folders(service: Service, session: Session) -> None:
    paths = ["a.txt", "new/folder/b.txt", "new/c.txt"]
    content = [{"path": path, "text": path} for path in paths]
    written = service.invoke(session, "writeFiles", content=content)
    assert text(written) == "Successfully wrote all 3 files"
    result = service.invoke(session, "readFiles", paths=paths)
    assert [content_of(block) for block in result["content"]] == [path.encode() for path in paths]


def test_writing_again_replaces(service: Service, session: Session) -> None:
    for content in ("a longer text", "short"):
        service.invoke(session, "writeFiles", content=[{"path": "f.txt", "text": content}])
    assert read(service, session, "f.txt") == b"short"


def test_a_text_file_has_its_media_type(service: Service, session: Session) -> None:
    service.invoke(session, "writeFiles", content=[{"path": "data.txt", "text": "pikachu"}])
    (block,) = service.invoke(session, "readFiles", paths=["data.txt"])["content"]
    assert block["resource"]["mimeType"] == "text/plain"


def test_a_missing_file_is_no_resource(service: Service, shared_session: Session) -> None:
    result = service.invoke(shared_session, "readFiles", paths=["there/is/none"])
    assert result["isError"] or all(block["type"] != "resource" for block in result["content"])


def test_list_shows_one_level(service: Service, session: Session) -> None:
    content = [{"path": path, "text": ""} for path in ("top/data.csv", "top/folder/below.txt")]
    service.invoke(session, "writeFiles", content=content)
    entries = listed(service, session, "top")
    assert sorted(entries) == ["data.csv", "folder"]
    assert entries["data.csv"]["description"] == "File"
    assert entries["data.csv"]["mimeType"] == "text/csv"
    assert entries["folder"]["description"] == "Directory"
    assert "mimeType" not in entries["folder"]


@pytest.mark.parametrize("folder", ["", "."])
def test_list_of_the_working_directory(service: Service, session: Session, folder: str) -> None:
    service.invoke(session, "writeFiles", content=[{"path": "data.csv", "text": "1"}])
    assert listed(service, session, folder)["data.csv"]["uri"] == "file:///data.csv"


def test_removed_files_are_gone(service: Service, session: Session) -> None:
    content = [{"path": path, "text": ""} for path in ("a.txt", "b.txt", "c.txt")]
    service.invoke(session, "writeFiles", content=content)
    removed = service.invoke(session, "removeFiles", paths=["a.txt", "b.txt"])
    assert removed["isError"] is False
    assert text(removed) == "Successfully removed all 2 files"
    names = listed(service, session, "")
    assert "c.txt" in names
    assert not {"a.txt", "b.txt"} & names.keys()


def test_all_tools_share_one_file_system(service: Service, session: Session) -> None:
    service.invoke(session, "writeFiles", content=[{"path": "n.txt", "text": "1"}])
    service.python(session, "n = int(open('n.txt').read())\nopen('n.txt', 'w').write(str(n + 1))")
    command = 'echo -n "$(($(cat n.txt) + 1))" > n.txt'
    assert service.invoke(session, "executeCommand", command=command)["isError"] is False
    assert read(service, session, "n.txt") == b"3"


# Tools without their arguments


@pytest.mark.parametrize(
    "tool",
    [
        "executeCode",
        "executeCommand",
        "startCommandExecution",
        "getTask",
        "stopTask",
        "readFiles",
        "writeFiles",
        "removeFiles",
    ],
)
def test_a_tool_without_its_arguments_fails(
    service: Service, shared_session: Session, tool: str
) -> None:
    try:
        result = service.invoke(shared_session, tool)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException"
    else:
        assert result["isError"] is True
        assert all(block["type"] == "text" for block in result["content"])
