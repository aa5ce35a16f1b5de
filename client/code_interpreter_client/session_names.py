"""The names of sessions."""

from __future__ import annotations

import re
import reprlib
import secrets
from typing import Any, Final

from .errors import InvalidRequest

# The function's rule. A test compares them, because the client has nothing of the function's code.
SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_session_name(name: Any) -> str:
    """Return a session's name, which the function would take.

    :raises InvalidRequest: if the function would refuse it
    """
    if not isinstance(name, str) or not SESSION_NAME.fullmatch(name):
        raise InvalidRequest(
            f"session {reprlib.repr(name)} is not allowed: name it with 1 to 64 letters, digits, "
            "_ and -"
        )
    return name


def new_session_name() -> str:
    """Return a name that no session has."""
    return f"client-{secrets.token_hex(8)}"
