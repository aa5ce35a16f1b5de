"""The environment variables that name certificate authorities."""

from __future__ import annotations

import os

CERTIFICATE_VARIABLES = (
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)


def certificate_variables() -> dict[str, str]:
    """Return those of the variables that are set in this process."""
    return {name: os.environ[name] for name in CERTIFICATE_VARIABLES if name in os.environ}
