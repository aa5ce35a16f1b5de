"""Where a request comes from: a server on the loopback address is reached by web pages, too."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Names that can only mean this machine.
LOOPBACK = re.compile(r"([a-z0-9-]+\.)*(127(\.\d+){3}|\[::1\]|localhost)(:\d+)?", re.IGNORECASE)

NOT_LOCAL = "only for programs on this machine, not for web pages"


def is_local(headers: Mapping[str, str]) -> bool:
    """Whether a request with these headers (lower-case names) can come from this machine alone.

    A web page sends its origin, or its own name as the host if that resolves to the loopback
    address. An image or a link in it sends no origin, but that it is in a page of another site.
    """
    if not LOOPBACK.fullmatch(headers.get("host", "localhost")):
        return False
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") != "cross-site"
    return LOOPBACK.fullmatch(origin.partition("://")[2]) is not None
