"""Programs that people and models write, each with the response that it must give."""

from .displays import DISPLAYS
from .endings import ENDINGS, PROCESSES
from .exceptions import EXCEPTIONS
from .files import FILES
from .javascript import JAVASCRIPT
from .libraries import LIBRARIES
from .magics import MAGICS
from .output import OUTPUT
from .program import Program

__all__ = ["LIBRARIES", "PROGRAMS", "Program"]

# The programs that end their kernel come last: the next one waits for another kernel.
PROGRAMS = (
    *OUTPUT,
    *EXCEPTIONS,
    *DISPLAYS,
    *FILES,
    *MAGICS,
    *PROCESSES,
    *JAVASCRIPT,
    *ENDINGS,
)
