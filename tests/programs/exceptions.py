"""Programs that raise exceptions."""

from __future__ import annotations

from .program import Containing, Matching, Program, failed, ok, raised

EXCEPTIONS = [
    Program(
        name="an exception",
        code="print('before')\nx = 1 / 0\nprint('after')",
        response=failed(
            "ZeroDivisionError: division by zero",
            "before",
            Matching(r"-+\nZeroDivisionError .*----> 2 x = 1 / 0.*division by zero"),
        ),
        exception=raised("ZeroDivisionError", "division by zero", 2),
    ),
    Program(
        name="a message of several lines",
        code="raise ValueError('first\\nsecond: x\\n\\n  third')",
        response=failed(
            "ValueError: first",
            stderr=Matching(r".*\nValueError: first\nsecond: x\n\n  third"),
        ),
        exception=raised("ValueError", "first\nsecond: x\n\n  third"),
    ),
    Program(
        name="notes",
        code="error = ValueError('bad')\nerror.add_note('in row 3')\n"
        "error.add_note('of a.csv')\nraise error",
        response=failed(
            "ValueError: bad", stderr=Matching(r".*\nValueError: bad\nin row 3\nof a\.csv")
        ),
        exception=raised("ValueError", "bad", 4, notes=["in row 3", "of a.csv"]),
    ),
    Program(
        name="an exception from another",
        code="try:\n    {}['key']\nexcept KeyError as error:\n"
        "    raise RuntimeError('no key') from error",
        response=failed(
            "RuntimeError: no key", stderr=Containing("KeyError: 'key'", "RuntimeError: no key")
        ),
        exception=raised("RuntimeError", "no key", 4),
    ),
    Program(
        name="an exception while another is handled",
        code="try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['key']",
        response=failed(
            "KeyError: 'key'", stderr=Containing("ZeroDivisionError", "KeyError: 'key'")
        ),
        exception=raised("KeyError", "'key'", 4),
    ),
    Program(
        name="a group of exceptions",
        code="raise ExceptionGroup('two failed', [ValueError('bad'), KeyError('key')])",
        response=failed(
            "ExceptionGroup: two failed (2 sub-exceptions)",
            stderr=Containing(
                "two failed (2 sub-exceptions)", "ValueError: bad", "KeyError: 'key'"
            ),
        ),
        exception=raised(
            "ExceptionGroup",
            "two failed (2 sub-exceptions)",
            members=[raised("ValueError", "bad", None), raised("KeyError", "'key'", None)],
        ),
    ),
    Program(
        name="a failed task group",
        code="import asyncio\n\n"
        "async def fail():\n    raise ValueError('bad')\n\n"
        "async with asyncio.TaskGroup() as group:\n    group.create_task(fail())\n",
        response=failed(
            "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
            stderr=Containing(
                "unhandled errors in a TaskGroup (1 sub-exception)", "ValueError: bad"
            ),
        ),
        exception=raised(
            "ExceptionGroup",
            "unhandled errors in a TaskGroup (1 sub-exception)",
            6,
            members=[raised("ValueError", "bad", 4)],
        ),
    ),
    Program(
        # IPython raises the exception of `__str__` when it formats the first one.
        name="an exception whose text fails",
        code="class Broken(Exception):\n    def __str__(self):\n        return 1 / 0\n\n"
        "raise Broken()",
        response=failed("ZeroDivisionError: division by zero"),
        exception=raised("ZeroDivisionError", "division by zero", 3),
    ),
    Program(
        name="an exception whose text is no text",
        code="class Broken(Exception):\n    def __str__(self):\n        return None\n\n"
        "raise Broken()",
        response=failed("TypeError: __str__ returned non-string (type NoneType)"),
        exception=raised("TypeError", "__str__ returned non-string (type NoneType)", None),
    ),
    Program(
        name="a very long message",
        code="raise ValueError('x' * 100_000)",
        response=failed(
            Matching("ValueError: x{488}"), stderr=Containing("ValueError: " + "x" * 99)
        ),
        exception=raised("ValueError", "x" * 10_000),
    ),
    Program(
        name="an exception without a message",
        code="raise ValueError",
        response=failed("ValueError", stderr=Containing("ValueError")),
        exception=raised("ValueError", ""),
    ),
    Program(
        name="a KeyError",
        code="{'a': 1}['b']",
        response=failed("KeyError: 'b'"),
        exception=raised("KeyError", "'b'"),
    ),
    Program(
        name="a failed assertion",
        code="assert 1 == 2",
        response=failed("AssertionError", stderr=Containing("AssertionError")),
        exception=raised("AssertionError", ""),
    ),
    Program(
        name="a missing module",
        code="import pandas_profiling",
        response=failed("ModuleNotFoundError: No module named 'pandas_profiling'"),
        exception=raised("ModuleNotFoundError", "No module named 'pandas_profiling'"),
    ),
    Program(
        name="a library that the service has and the local sandbox lacks",
        code="import plotly",
        response=failed(
            "ModuleNotFoundError: No module named 'plotly'",
            stderr=Containing("No module named 'plotly'", "make local LIBRARIES=full"),
        ),
        exception=raised("ModuleNotFoundError", "No module named 'plotly'"),
    ),
    Program(
        name="a table as Markdown, without its library",
        code="import pandas as pd\nprint(pd.DataFrame({'a': [1]}).to_markdown())",
        response=failed(
            Matching("ImportError: .*tabulate.*"), stderr=Containing("the service has tabulate")
        ),
        exception=raised("ImportError", Containing("tabulate"), 2),
    ),
    Program(
        name="a missing file",
        code="open('missing.csv')",
        response=failed("FileNotFoundError: [Errno 2] No such file or directory: 'missing.csv'"),
        exception=raised("FileNotFoundError", "[Errno 2] No such file or directory: 'missing.csv'"),
    ),
    Program(
        name="a missing column",
        code="import pandas as pd\ndf = pd.DataFrame({'a': [1]})\n\ndef total(frame):\n"
        "    return frame['b'].sum()\n\nprint(total(df))",
        response=failed("KeyError: 'b'"),
        exception=raised("KeyError", "'b'", 5),
    ),
    Program(
        name="an exception of the program's own",
        code="class BadRow(Exception):\n    pass\n\nraise BadRow('row 3', 7)",
        response=failed("BadRow: ('row 3', 7)"),
        exception=raised("BadRow", "('row 3', 7)", 4),
    ),
    Program(
        name="too much memory",
        code="x = 'x' * 10**13",
        response=failed("MemoryError"),
        exception=raised("MemoryError"),
    ),
    Program(
        name="an exception in another process",
        code="from multiprocessing import get_context\n\ndef f(x):\n    return 1 / x\n\n"
        "with get_context('fork').Pool(1) as pool:\n    pool.map(f, [0])",
        response=failed(
            "ZeroDivisionError: division by zero", stderr=Containing("RemoteTraceback", "division")
        ),
        exception=raised("ZeroDivisionError", "division by zero", 7),
    ),
    Program(
        name="endless recursion",
        # A lower limit, because IPython takes seconds for a traceback of 3,000 frames.
        before="import sys\nsys.setrecursionlimit(120)",
        code="def f(n):\n    return f(n + 1)\n\nf(0)",
        after="import sys\nsys.setrecursionlimit(3000)",
        response=failed(Matching("RecursionError: maximum recursion depth exceeded.*")),
        exception=raised("RecursionError", Matching("maximum recursion depth exceeded.*"), 2),
    ),
    Program(
        name="a syntax error",
        code="print('never')\nx = = 1\n",
        response=failed(
            "SyntaxError: invalid syntax",
            stderr=Containing("line 2", "x = = 1", "SyntaxError: invalid syntax"),
        ),
        exception=raised("SyntaxError", "invalid syntax", 2),
    ),
    Program(
        name="a parenthesis that is not closed",
        code="print('never')\nf(1,\n",
        response=failed(Matching(r"(_I|I|S)\w*Error: .*")),
        exception=raised(Matching("_IncompleteInputError|SyntaxError"), Matching(".+"), 2),
    ),
    Program(
        name="a text that is not closed",
        code="print('never')\nx = 'abc\n",
        response=failed(
            Matching(r"SyntaxError: unterminated string literal \(detected at line 2\).*")
        ),
        exception=raised("SyntaxError", "unterminated string literal (detected at line 2)", 2),
    ),
    Program(
        name="Python 2",
        code="print 'hello'",
        response=failed(
            Matching("SyntaxError: Missing parentheses in call to 'print'.*"),
        ),
        exception=raised(
            "SyntaxError", "Missing parentheses in call to 'print'. Did you mean print(...)?"
        ),
    ),
    Program(
        name="return outside of a function",
        code="x = 1\nreturn x",
        response=failed("SyntaxError: 'return' outside function"),
        exception=raised("SyntaxError", "'return' outside function", 2),
    ),
    Program(
        name="a missing indentation",
        code="if True:\nprint(1)",
        response=failed(Matching("IndentationError: expected an indented block .*")),
        exception=raised(
            "IndentationError", "expected an indented block after 'if' statement on line 1", 2
        ),
    ),
    Program(
        name="an unexpected indentation",
        code="x = 1\n    y = 2\n",
        response=failed("IndentationError: unexpected indent"),
        exception=raised("IndentationError", "unexpected indent", 2),
    ),
    Program(
        name="tabs and blanks mixed",
        code="if True:\n        x = 1\n\ty = 2\n",
        response=failed(Matching("(TabError|IndentationError): .*")),
        exception=raised(Matching("TabError|IndentationError"), Matching(".+"), 3),
    ),
    Program(
        name="a character that is none of Python's",
        code="print(“hello”)",
        response=failed(Matching(r"SyntaxError: invalid character '“' \(U\+201C\).*")),
        exception=raised("SyntaxError", "invalid character '“' (U+201C)"),
    ),
    Program(
        name="a Markdown fence",
        code="```python\nprint(1)\n```",
        response=failed("SyntaxError: invalid syntax"),
        exception=raised("SyntaxError", "invalid syntax"),
    ),
    Program(
        name="a name that is not UTF-8 in a message",
        code="open(b'\\xff.csv')",
        response=failed(
            Matching(r"FileNotFoundError: .* No such file or directory: b'\\xff\.csv'")
        ),
        exception=raised("FileNotFoundError", Containing("No such file or directory")),
    ),
    Program(
        name="a name with a surrogate in a message",
        code="import os\nopen(os.fsdecode(b'\\xff.csv'))",
        response=failed(
            Matching(r"FileNotFoundError: .* No such file or directory: '\\udcff\.csv'")
        ),
        exception=raised("FileNotFoundError", Containing("No such file or directory"), 2),
    ),
    Program(
        # The kernel cannot send the message, and gives up.
        name="a surrogate in a message",
        code="raise ValueError('a\\ud800b')",
        response=failed("", stderr=""),
        exception=raised("UnicodeEncodeError", Containing("surrogates not allowed"), None),
    ),
    Program(
        name="a failing await",
        code="import asyncio\n\nasync def fail():\n    await asyncio.sleep(0)\n"
        "    raise ValueError('late')\n\nawait fail()",
        response=failed("ValueError: late"),
        exception=raised("ValueError", "late", 5),
    ),
    Program(
        name="await at the top level",
        code="import asyncio\n"
        "print(await asyncio.gather(*[asyncio.sleep(0, i) for i in range(3)]))",
        response=ok("[0, 1, 2]"),
    ),
    Program(
        # Python warns about the coroutine when the traceback is gone: in a later program.
        before="import warnings\nwarnings.filterwarnings('ignore', 'coroutine')",
        name="asyncio.run",
        code="import asyncio\n\nasync def main():\n    return 1\n\nprint(asyncio.run(main()))",
        response=failed("RuntimeError: asyncio.run() cannot be called from a running event loop"),
        exception=raised(
            "RuntimeError", "asyncio.run() cannot be called from a running event loop", 6
        ),
    ),
    Program(
        name="a traceback that is printed",
        code="import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
        "    traceback.print_exc()\nprint('on')",
        response=ok("on", Containing("Traceback (most recent call last):", "ZeroDivisionError")),
    ),
    Program(
        name="an interrupt by the program",
        code="raise KeyboardInterrupt",
        response=failed("KeyboardInterrupt", stderr=Containing("KeyboardInterrupt")),
        exception=raised("KeyboardInterrupt", ""),
    ),
    Program(
        name="a failed subprocess",
        code="import subprocess\nsubprocess.run(['false'], check=True)",
        response=failed("CalledProcessError: Command '['false']' returned non-zero exit status 1."),
        exception=raised(
            "CalledProcessError", "Command '['false']' returned non-zero exit status 1.", 2
        ),
    ),
]
