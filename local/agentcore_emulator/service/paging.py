"""Pages of a list, newest first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from agentcore_emulator.model.errors import refuse_field

# The API model's default for sessions; AWS documents none for interpreters.
DEFAULT_MAX_RESULTS = 10

T = TypeVar("T")


def page(
    records: Iterable[T],
    key: Callable[[T], str],
    max_results: int | None,
    next_token: str | None,
) -> tuple[list[T], str | None]:
    """Return a page and the token of the next page, which is None at the end.

    The token holds the key of the page's last record, so that records made or removed in between
    neither repeat nor hide others. `key` must be unique, and larger for newer records.
    """
    after = decode_token(next_token) if next_token else None
    left = [
        record
        for record in sorted(records, key=key, reverse=True)
        if after is None or key(record) < after
    ]
    size = max_results or DEFAULT_MAX_RESULTS
    found = left[:size]
    return found, encode_token(key(found[-1])) if len(left) > size else None


def encode_token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode("ascii")


def decode_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise refuse_field("nextToken", "is not a token this service gave") from None
