from __future__ import annotations

import pytest

from code_interpreter_invoke.sandbox.system_exit import SystemExitShown, system_exit

NOTICE = "An exception has occurred, use %tb to see the full traceback.\n\n"
WARNING = (
    "/lib/IPython/core/interactiveshell.py:3701: UserWarning: To exit: use 'exit', 'quit', or "
    "Ctrl-D.\n  warn(\"To exit: use 'exit', 'quit', or Ctrl-D.\", stacklevel=1)\n"
)


@pytest.mark.parametrize(
    ("shown", "reported", "code", "stderr"),
    [
        ("SystemExit", None, 0, ""),
        ("SystemExit: 0", None, 0, ""),
        ("SystemExit: None", None, 0, ""),
        ("SystemExit: False", None, 0, ""),
        ("SystemExit: True", None, 1, ""),
        ("SystemExit: 3", None, 3, ""),
        ("SystemExit: -1", 255, 255, "-1"),
        ("SystemExit: no such file", None, 1, "no such file"),
        ("SystemExit: no such file", 1, 1, "no such file"),
        ("SystemExit: 0", 1, 1, "0"),
        ("SystemExit: line1\nline2", 1, 1, "line1\nline2"),
        ("Done: 0", 0, 0, ""),
        ("Done: 4", 4, 4, ""),
    ],
)
@pytest.mark.parametrize("own", ["", "bad input\n"])
def test_the_end_of_a_program_is_read_off_its_output(
    own: str, shown: str, reported: int | None, code: int, stderr: str
) -> None:
    for warned in (f"{own}{WARNING}{NOTICE}{shown}", f"{own}{NOTICE}{shown}\n{WARNING}"):
        assert system_exit(warned, reported) == SystemExitShown(code, own + stderr)


def test_ipythons_notice_may_be_missing() -> None:
    assert system_exit("bad\nSystemExit: 2") == SystemExitShown(2, "bad\n")


@pytest.mark.parametrize("stderr", ["", "ValueError: bad", "SystemExit: 0\nmore", "Done: 0"])
def test_another_failure_is_none(stderr: str) -> None:
    assert system_exit(stderr) is None
