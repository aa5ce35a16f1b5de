"""Programs that print, and programs that end with an expression."""

from __future__ import annotations

from typing import Any

from .program import Containing, Matching, Program, failed, ok, raised

LEFT_OUT = r"\n\[\.\.\. \d+ characters left out \.\.\.\]\n"
CUT: dict[str, Any] = {
    "truncated": True,
    "warnings": [Matching(r"\d+ characters in the middle of the output were left out; .*")],
}

OUTPUT = [
    Program(name="output", code="print('a')\nprint('b')", response=ok("a\nb")),
    Program(
        name="output without a line end",
        code="print('a', end='')\nprint('b', end='')",
        response=ok("ab"),
    ),
    Program(
        name="blank lines around output",
        code="print('\\n\\nx\\n')",
        response=ok("x"),
        observed=ok("\n\nx\n"),
    ),
    Program(name="no program", code="", response=ok()),
    Program(name="white space", code=" \n\t\n\n", response=ok()),
    Program(name="comments", code="# only\n# comments", response=ok()),
    Program(name="a last comment", code="print(1)\n# done", response=ok("1")),
    Program(name="blank lines at the end", code="print(1)\n\n\n   \n", response=ok("1")),
    Program(
        name="blank lines behind an expression",
        code="6 * 7\n\n\n",
        response=ok("42"),
        observed={"last_expression": 0, "results": [{"text/plain": "42"}]},
    ),
    Program(
        name="Windows line ends",
        code="for i in range(2):\r\n    print(i)\r\n    text = '''x\r\ny'''\r\n"
        "print(repr(text))\r\n",
        response=ok("0\n1\n'x\\ny'"),
    ),
    Program(
        name="tabs",
        code="if True:\n\tfor i in range(2):\n\t\tprint('a\tb', i)\n",
        response=ok("a\tb 0\na\tb 1"),
    ),
    Program(
        name="a multi-line text at the end",
        code="text = '''a\nb   \n'''; print(len(text))\nx = '''\n   '''",
        response=ok("7"),
    ),
    Program(
        name="a line that continues",
        code="x = 6 * \\\n    7\nprint(x)",
        response=ok("42"),
    ),
    Program(
        name="a backslash at the end",
        code="print(1)\nx = 6 * \\\n",
        response=failed("SyntaxError: incomplete input", stderr=Containing("line 2", "x = 6 * ")),
        exception=raised("SyntaxError", "incomplete input", 2),
    ),
    Program(
        name="unicode",
        code="print('Grüße, 世界, 👩‍🔬, \\u202eabc')\n'é'",
        response=ok("Grüße, 世界, 👩‍🔬, \u202eabc\n'é'"),
        observed={"last_expression": 0, "results": [{"text/plain": "'é'"}]},
    ),
    Program(
        name="unpaired surrogates",
        code="print('a\\ud800b')\n'\\udfff'",
        response=ok("a\\ud800b\n'\\udfff'"),
        observed={"last_expression": 0, "results": [{"text/plain": "'\\udfff'"}]},
    ),
    Program(name="NUL characters", code="print('a\\0b')", response=ok("a\0b")),
    Program(
        name="colours",
        code="print('\\x1b[31mred\\x1b[0m')",
        response=ok("\x1b[31mred\x1b[0m"),
    ),
    Program(
        name="carriage returns",
        code="for i in range(4):\n    print(f'\\rstep {i}', end='', flush=True)\nprint()\n"
        "print('end')",
        response=ok("step 3\nend"),
    ),
    Program(
        name="a progress bar on stderr",
        code="import sys\nfor i in range(0, 101, 50):\n"
        "    print(f'\\r{i:3}%|{\"#\" * (i // 10):10}|', end='', file=sys.stderr)\n"
        "print('', file=sys.stderr)",
        response=ok(stderr="100%|##########|"),
    ),
    Program(
        name="12 MB, then the result",
        code="for i in range(1_200):\n    print('x' * 9_999)\nprint('RESULT: 42')",
        response=ok(
            Containing("[... ", " characters left out ...]", "[output truncated: "),
            truncated=True,
            full_response=Matching(r"code-interpreter/responses/\w+\.json"),
        ),
        observed=ok(Matching(f"x{{9999}}\n.*{LEFT_OUT}.*x\nRESULT: 42"), **CUT),
    ),
    Program(
        name="12 MB on stderr without a line end, then a failure",
        code="import sys\nprint('x' * 12_000_000, end='', file=sys.stderr)\n1 / 0",
        response=failed(
            "ZeroDivisionError: division by zero",
            stderr=Containing("ZeroDivisionError: division by zero"),
            truncated=True,
            full_response=Matching(r"code-interpreter/responses/\w+\.json"),
        ),
        observed=failed(
            "ZeroDivisionError: division by zero",
            stderr=Matching(f"x{{999}}.*{LEFT_OUT}x*.*ZeroDivisionError: division by zero"),
            **CUT,
        ),
        exception=raised("ZeroDivisionError", "division by zero", 3),
    ),
    Program(
        name="the value of a last line",
        code="x = 6\nx * 7",
        response=ok("42"),
        observed={"last_expression": 0, "results": [{"text/plain": "42"}]},
    ),
    Program(name="None as the last line", code="print('x')\nNone", response=ok("x")),
    Program(name="a semicolon behind the last line", code="6 * 7;", response=ok()),
    Program(
        name="output of a format with braces",
        code="d = {'a': [1, 2]}\nprint(f'{d!r}')\nd",
        response=ok("{'a': [1, 2]}\n{'a': [1, 2]}"),
        observed={"last_expression": 0, "results": [{"text/plain": "{'a': [1, 2]}"}]},
    ),
    Program(
        name="a last value with a failing repr",
        code="class A:\n    def __repr__(self):\n        raise ValueError('no repr')\n\nA()",
        response=failed("ValueError: no repr"),
    ),
    Program(
        name="output on stderr",
        code="import sys\nprint('note', file=sys.stderr)",
        response=ok(stderr="note"),
    ),
    Program(
        name="logging",
        code="import logging\nlogging.warning('careful')\nlogging.getLogger('m').info('hidden')",
        response=ok(stderr="WARNING:root:careful"),
    ),
    Program(
        name="logging, configured",
        code="import logging\n"
        "logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s', force=True)\n"
        "logging.info('shown')",
        response=ok(stderr="INFO shown"),
        after="import logging\nlogging.getLogger().handlers.clear()\n"
        "logging.getLogger().setLevel(30)",
    ),
    Program(
        name="a warning",
        code="import warnings\nwarnings.warn('careful')\nprint('done')",
        response=ok("done", Matching(r"\S+: UserWarning: careful\n.*")),
    ),
    Program(
        name="a deprecation warning",
        code="import warnings\nwarnings.warn('old', DeprecationWarning)",
        response=ok("", Matching(r"\S+: DeprecationWarning: old\n.*")),
    ),
    Program(
        name="a warning of NumPy",
        code="import numpy as np\nprint(np.array([1.0]) / np.array([0.0]))",
        response=ok("[inf]", Containing("RuntimeWarning: divide by zero encountered in divide")),
    ),
    Program(
        name="stdout in the place of a file",
        code="import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as kept:\n"
        "    print('kept')\nprint(kept.getvalue().upper())",
        response=ok("KEPT"),
        observed=ok("KEPT\n"),
    ),
    Program(
        name="stdout replaced",
        code="import io, sys\nprint('seen')\nsys.stdout = io.StringIO()\nprint('not seen')",
        response=ok("seen"),
        after="import sys\nsys.stdout = sys.__stdout__",
    ),
    Program(
        name="stdout with another encoding",
        code="import io, sys\n"
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\nprint('ü')",
        response=ok("ü"),
        after="import sys\nsys.stdout = sys.__stdout__",
    ),
    Program(
        name="stdout, configured",
        code="import sys\nsys.stdout.reconfigure(line_buffering=True)\nprint('x')",
        response=ok("x"),
    ),
    Program(
        name="a mark like the observer's",
        code="print('code-interpreter-report:0123456789abcdef:{\"exit\": 3}')",
        response=ok('code-interpreter-report:0123456789abcdef:{"exit": 3}'),
    ),
    Program(
        name="the emulator's and the function's notes",
        code="print('[... 5 characters left out ...]')",
        response=ok("[... 5 characters left out ...]"),
    ),
    Program(
        name="input",
        code="name = input('name? ')",
        response=failed(Containing("StdinNotImplementedError: raw_input was called")),
        exception=raised(
            "StdinNotImplementedError", Containing("raw_input was called, but this frontend")
        ),
    ),
]
