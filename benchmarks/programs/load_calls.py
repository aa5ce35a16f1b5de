"""Import the module that the argument names, and print the number of calls that this makes.

A call is that of a function, in Python or in C.
"""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import count
from typing import Any

calls = count()


def note(_frame: Any, event: str, _argument: Any) -> None:
    if event in ("call", "c_call"):
        next(calls)


sys.setprofile(note)
import_module(sys.argv[1])
sys.setprofile(None)
print(next(calls))
