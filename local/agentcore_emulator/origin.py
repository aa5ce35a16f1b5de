"""Refuse web pages: their scripts can reach a server on the loopback address, too."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Names that can only mean this machine.
LOOPBACK = re.compile(r"([a-z0-9-]+\.)*(127(\.\d+){3}|\[::1\]|localhost)(:\d+)?", re.IGNORECASE)

NOT_LOCAL = "only for programs on this machine, not for web pages"


def is_local(headers: Mapping[str, str]) -> bool:
    """Return whether a request with these headers can only come from a program on this machine.

    Header names are lower-case. A script of a web page sends the page's origin, or the page's
    host name if that resolves to the loopback address. An image or a link sends no origin, but
    says that the request is cross-site.
    """
    if not LOOPBACK.fullmatch(headers.get("host", "localhost")):
        return False
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") != "cross-site"
    return LOOPBACK.fullmatch(origin.partition("://")[2]) is not None
