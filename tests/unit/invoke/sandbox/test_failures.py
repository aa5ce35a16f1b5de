from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_interpreter_invoke.sandbox.failures import MAX_LINE_LENGTH, failure_line

IPYTHON = """\
---------------------------------------------------------------------------
ValueError                                Traceback (most recent call last)
Cell In[1], line 1
----> 1 raise ValueError("column totals differ:\\n  got 12")

ValueError: column totals differ:
  got 12
look at the third sheet"""

CHAINED = """\
---------------------------------------------------------------------------
ZeroDivisionError                         Traceback (most recent call last)
Cell In[1], line 2
----> 2     1/0

ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

KeyError                                  Traceback (most recent call last)
Cell In[1], line 4
----> 4     {}["x"]

KeyError: 'x'"""

SYNTAX = """\
  Cell In[1], line 1
    x = (
        ^
SyntaxError: '(' was never closed"""

PYDANTIC = """\
---------------------------------------------------------------------------
ValidationError                           Traceback (most recent call last)
Cell In[1], line 5
----> 5 M(a="x")

ValidationError: 1 validation error for M
a
  Input should be a valid integer [type=int_parsing, input_value='x', input_type=str]
    For further information visit https://errors.pydantic.dev/2.9/v/int_parsing"""

SCRIPT = """\
starting
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    1/0
    ~^~
ZeroDivisionError: division by zero"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  |     raise ExceptionGroup("many", [ValueError(1)])
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +------------------------------------"""

DENO = """\
\x1b[0m\x1b[1m\x1b[31merror\x1b[0m: Uncaught (in promise) TypeError: x is not a function
    at file:///program.ts:1:1"""

DENO_OWN_ERROR = """\
error: Uncaught (in promise) BadRow: row 3
throw new BadRow('row 3');
      ^
    at file:///program.js:2:7"""

IPYTHON_WITHOUT_MESSAGE = """\
---------------------------------------------------------------------------
AssertionError                            Traceback (most recent call last)
Cell In[1], line 1
----> 1 assert 1 == 2

AssertionError: """

NODE = """\
/program.js:1
throw new RangeError('too far')
^

RangeError: too far
    at Object.<anonymous> (/program.js:1:7)

Node.js v24.1.0"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        pytest.param(IPYTHON, "ValueError: column totals differ:", id="lines and notes follow"),
        pytest.param(CHAINED, "KeyError: 'x'", id="chained"),
        pytest.param(SYNTAX, "SyntaxError: '(' was never closed", id="syntax"),
        pytest.param(PYDANTIC, "ValidationError: 1 validation error for M", id="pydantic"),
        pytest.param(SCRIPT, "ZeroDivisionError: division by zero", id="script"),
        pytest.param(GROUP, "ExceptionGroup: many (1 sub-exception)", id="exception group"),
        pytest.param(DENO, "TypeError: x is not a function", id="deno, in colour"),
        pytest.param(DENO_OWN_ERROR, "BadRow: row 3", id="deno, a class of the program"),
        pytest.param('error: Uncaught (in promise) "text"', '"text"', id="deno, no error"),
        pytest.param(IPYTHON_WITHOUT_MESSAGE, "AssertionError", id="no message"),
        pytest.param(NODE, "RangeError: too far", id="node"),
        pytest.param("ls: no such file\n", "ls: no such file", id="command"),
        pytest.param("", "", id="nothing"),
        pytest.param("E" * 1000, "E" * MAX_LINE_LENGTH, id="long"),
    ],
)
def test_the_line_that_names_the_failure(output: str, line: str) -> None:
    assert failure_line(output) == line


@given(st.text())
def test_any_output_has_at_most_one_line_and_no_control_sequence(output: str) -> None:
    line = failure_line(output)
    assert len(line.splitlines()) <= 1
    assert len(line) <= MAX_LINE_LENGTH
