from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_interpreter_invoke.sandbox.observer import (
    Observer,
    Report,
    run_action,
    tag_of,
    with_tag,
    without_own_frames,
)
from code_interpreter_invoke.sandbox.observer_program import (
    BoundedWrite,
    OutputSoFar,
    find_tag,
    without_tag,
)
from code_interpreter_invoke.sandbox.observer_program import tag_of as tag_in
from code_interpreter_invoke.sandbox.program import read_output

OBSERVER = Observer("code-interpreter-report:0123456789abcdef:")
TAG = tag_of("a request's id")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
REPORTS = st.dictionaries(
    st.sampled_from(
        [
            "exception",
            "exit",
            "results",
            "results_left_out",
            "files_changed",
            "left_out",
            "cancelled",
            "variables_lost",
            "other",
        ]
    ),
    JSON
    | st.dictionaries(
        st.sampled_from(["type", "notes", "line", "members", "created"]), JSON, max_size=2
    )
    | st.lists(
        st.dictionaries(st.sampled_from(["text/plain", "files"]), JSON, max_size=2), max_size=2
    ),
    max_size=3,
)


def printed(*reports: Any, before: str = "") -> str:
    return before + "".join(f"\n{OBSERVER.mark}{json.dumps(report)}\n" for report in reports)


# Reports.


def test_a_report_is_taken_off_the_output() -> None:
    stdout, report = OBSERVER.split(printed({"exit": 3}, before="one\ntwo"))
    assert stdout == "one\ntwo"
    assert report == Report(exit_code=3)


@pytest.mark.parametrize("before", ["", "\n", "a", "a\n", "\n  a \n\n"])
def test_the_output_is_what_the_service_returns_without_an_observer(before: str) -> None:
    """The service strips the white space at both ends."""
    expected = (before.strip(), Report(exit_code=3))
    assert OBSERVER.split(printed({"exit": 3}, before=before)) == expected
    assert OBSERVER.split(printed({"exit": 3}, before=before).strip()) == expected


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("", ""),
        ("\n", ""),
        ("   a\n0  1\n", "   a\n0  1"),
        ("\n\n x \n\n", "\n\n x \n"),
        ("no line end", "no line end"),
    ],
)
def test_the_white_space_around_the_output_is_kept(own: str, shown: str) -> None:
    """The service strips the whole, but nothing behind the mark at the beginning."""
    whole = printed({"exit": 3}, before=f"{OBSERVER.mark}\n{own}")
    assert OBSERVER.split(whole.strip()) == (shown, Report(exit_code=3))


@pytest.mark.parametrize("own", ["", "a", "a\nb"])
def test_a_program_that_ends_the_kernel_does_not_show_the_mark(own: str) -> None:
    assert OBSERVER.split(f"{OBSERVER.mark}\n{own}".strip()) == (own, None)


def test_output_after_the_report_is_kept() -> None:
    assert OBSERVER.split(printed({}, before="a") + "from a thread")[0] == "a\nfrom a thread"


def test_output_without_a_report_stays_as_it_is() -> None:
    assert OBSERVER.split("a\nb") == ("a\nb", None)


@settings(max_examples=40)
@given(st.text(), REPORTS | JSON, st.text())
def test_a_forged_report_fools_nobody_but_its_program(before: str, forged: Any, after: str) -> None:
    """The last report is the observer's; a program that prints the mark shows it in its output."""
    output = printed(forged, before=before) + after
    stdout, report = OBSERVER.split(printed({"exit": 7}, before=output))
    assert report == Report(exit_code=7)
    assert stdout == output.strip()


@settings(max_examples=40)
@given(REPORTS | JSON)
def test_a_report_of_any_shape_can_be_read(members: Any) -> None:
    """A program that knows the mark may keep the observer from printing the last one."""
    _, report = OBSERVER.split(printed(members))
    assert isinstance(report, Report) if isinstance(members, dict) else report is None
    json.dumps(report)


@given(st.text(alphabet="\ncode-interpreter-report:0123456789abcdef:{}\"'ü\ud800"))
def test_lines_that_look_like_a_report_are_output(text: str) -> None:
    stdout, report = OBSERVER.split(printed({"exit": 1}, before=text))
    assert report == Report(exit_code=1)
    assert stdout == text.strip()


def test_an_exception_is_described_with_its_members() -> None:
    exception = {
        "type": "ExceptionGroup",
        "message": "two (2 sub-exceptions)",
        "line": 3,
        "members": [{"type": "ValueError", "message": "a", "notes": ["n"]}],
    }
    _, report = OBSERVER.split(printed({"exception": exception}))
    assert report is not None
    assert report.exception == exception


# The installation.


def test_an_installation_is_heard_if_the_kernels_hooks_are() -> None:
    installed = {"entries": ["log"], "is_new": True}
    heard = OBSERVER.installation(printed(installed, {}))
    assert heard is not None
    assert (heard.entries, heard.is_new, heard.is_heard) == (("log",), True, True)
    hidden = OBSERVER.installation(printed(installed))
    assert hidden is not None
    assert not hidden.is_heard


@pytest.mark.parametrize("stdout", ["", "Traceback", printed({}), f"\n{OBSERVER.mark}{{"])
def test_code_that_did_not_run_installed_nothing(stdout: str) -> None:
    assert OBSERVER.installation(stdout) is None


def test_the_folder_does_not_show_the_mark() -> None:
    assert OBSERVER.mark.split(":")[1] not in OBSERVER.folder


def test_own_code_leaves_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    # It fails outside a kernel: another test of this process may have imported IPython.
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    variables: dict[str, Any] = {}
    with pytest.raises(KeyError):
        exec(run_action("uninstall", {}), variables)
    assert set(variables) == {"__builtins__"}


# Tags.

CODE = st.text(
    alphabet=st.sampled_from(list("x1=%;#?!\\'\"() \t\r\n\x0c\u2028ü")), max_size=30
) | st.sampled_from(
    ["%%bash\necho 1", "\n\n%%time\nx", "  %%bash\nx", "x\r\ny\r\n", "x\n\n", "'''a", "x = \\"]
)


@given(CODE, st.text())
def test_a_tag_is_found_and_taken_off_again(code: str, request_id: str) -> None:
    tag = tag_of(request_id)
    tagged = with_tag(code, tag)
    if not any(line.strip() for line in code.split("\n")):
        assert tagged == code
        return
    assert tag_in(tagged) == tag
    assert "".join(without_tag(tagged.splitlines(keepends=True))) == code
    assert len(tagged) == len(code) + 64
    assert not tagged.replace(code, "").strip() or "\n" in code


@given(CODE)
def test_a_program_without_a_tag_stays_as_it_is(code: str) -> None:
    assert tag_in(code) == ""
    assert "".join(without_tag(code.splitlines(keepends=True))) == code


def test_the_tag_of_a_cell_magic_is_not_in_its_body() -> None:
    tagged = with_tag("%%writefile a.txt\nhello\n", TAG)
    place = find_tag(tagged)
    assert place is not None
    assert tagged[place[1] :] == "\nhello\n"


def test_requests_have_tags_of_their_own() -> None:
    assert tag_of("a") != tag_of("b")


BEFORE = "Cell In[1], line 1\n----> 1 f()\n"


@pytest.mark.parametrize(
    ("frame", "rest"),
    [
        (
            "\nFile <code-interpreter>:9, in Observer.on_signal(x)\n    4 'x'",
            "\nKeyboardInterrupt: ",
        ),
        ("\n<code-interpreter> in on_signal(self, x)", "\nKeyboardInterrupt: "),
        ("\nFile <code-interpreter>:88, in BoundedWrite.__call__(x)\n", "\nValueError: x"),
        ('\n  |   File "<code-interpreter>", line 88, in __call__', "\n  | ValueError: x"),
    ],
)
def test_a_traceback_does_not_show_the_observers_frames(frame: str, rest: str) -> None:
    assert without_own_frames(f"{BEFORE}{frame}{rest}") == f"{BEFORE}{rest}"


# Long output.


class Stream:
    """A text stream that keeps what is written."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


def bounded(stream: Stream) -> BoundedWrite:
    return BoundedWrite(stream, "stdout", OutputSoFar(None))


@given(
    st.lists(st.text(alphabet="abü\n", max_size=60), max_size=20),
    st.integers(0, 40),
    st.integers(1, 40),
)
def test_a_long_output_keeps_both_ends(texts: list[str], head: int, tail: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        module = "code_interpreter_invoke.sandbox.observer_program"
        patch.setattr(f"{module}.HEAD", head)
        patch.setattr(f"{module}.TAIL", tail)
        stream = Stream()
        bound = bounded(stream)
        assert [stream.write(text) for text in texts] == [len(text) for text in texts]
        bound.end()
    whole = "".join(texts)
    so_far = "".join(buffer.getvalue() for _, buffer in bound.output.texts)
    if bound.left_out == 0:
        assert stream.text == whole
        assert whole.startswith(so_far)
        return
    first, rest = stream.text.split("\n[... ", 1)
    count, last = rest.split(" characters left out ...]\n", 1)
    # The output so far is the beginning of what comes back.
    assert so_far == first
    assert whole.startswith(first)
    assert whole.endswith(last)
    assert len(first) + int(count) + len(last) == len(whole)
    assert len(last) <= tail


def test_a_stream_has_its_own_write_again_afterwards() -> None:
    stream = Stream()
    bound = bounded(stream)
    bound.end()
    stream.write("a")
    assert stream.text == "a"


def test_a_program_that_keeps_the_write_of_a_stream_loses_nothing() -> None:
    stream = Stream()
    kept = bounded(stream)
    kept.end()
    kept("x" * 3_000_000)
    assert len(stream.text) == 3_000_000


def test_what_is_not_text_fails_as_without_an_observer() -> None:
    bound = bounded(Stream())
    with pytest.raises(TypeError):
        bound(5)  # type: ignore[arg-type]  # the program's mistake


# The output so far.


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stdout", "stderr", "display"]),
            st.text(alphabet="aü\U0001f600\udc80\r\n", max_size=30),
            st.booleans(),
        ),
        max_size=20,
    ),
    st.integers(1, 10),
)
def test_the_output_so_far_is_read_in_order_and_once(
    writes: list[tuple[str, str, bool]], line_text: int
) -> None:
    module = "code_interpreter_invoke.sandbox.observer_program"
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{module}.LINE_TEXT", line_text)
        output = OutputSoFar(Path(folder, f"{TAG}.output"))
        offset, read = 0, []
        for stream, text, is_read in writes:
            output.add(stream, text)
            if is_read:
                output.write_file()
                part = read_output(folder, TAG, offset)
                offset = part["next_offset"]
                read += part["output"]
        output.write_file()
        read += read_output(folder, TAG, offset)["output"]
    characters = [(part["stream"], character) for part in read for character in part["text"]]
    assert characters == [(stream, character) for stream, text, _ in writes for character in text]


def test_a_half_written_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / f"{TAG}.output"
    lines = [json.dumps({"stream": "stdout", "text": text}) + "\n" for text in ("a", "b")]
    file.write_text(lines[0] + lines[1][:10])
    first = read_output(str(tmp_path), TAG, 0)
    assert first == {
        "output": [{"stream": "stdout", "text": "a"}],
        "next_offset": len(lines[0]),
    }
    file.write_text("".join(lines))
    assert read_output(str(tmp_path), TAG, first["next_offset"])["output"][0]["text"] == "b"


def test_a_quick_programs_end_writes_nothing(tmp_path: Path) -> None:
    output = OutputSoFar(tmp_path / "output")
    output.add("stdout", "a")
    output.end()
    assert list(tmp_path.iterdir()) == []


def test_the_rest_is_written_at_the_end_of_a_long_program(tmp_path: Path) -> None:
    output = OutputSoFar(tmp_path / f"{TAG}.output")
    output.write_file()
    output.add("stdout", "late")
    output.end()
    assert read_output(str(tmp_path), TAG, 0)["output"] == [{"stream": "stdout", "text": "late"}]
