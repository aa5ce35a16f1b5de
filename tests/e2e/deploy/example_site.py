r"""A site on the loopback interface that stands for https://api.example.com.

Programs reach it as they reach a site behind a company's proxy: by `HTTPS_PROXY`, and with a
certificate authority of its own. `example_site.pem` has the key and the certificate:

    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 \
        -subj /CN=api.example.com -addext subjectAltName=DNS:api.example.com \
        -addext keyUsage=digitalSignature,keyCertSign -keyout ... -out ...
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).with_suffix(".pem")
DATA = [{"city": "Lyon", "visits": 7}, {"city": "Oslo", "visits": 12}]


class Handler(BaseHTTPRequestHandler):
    """Opens a tunnel, at whose end it serves the site."""

    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        assert self.path == "api.example.com:443"
        self.send_response(200)
        self.end_headers()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False  # the next request comes through the tunnel

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def do_GET(self) -> None:
        body = json.dumps(DATA).encode() if self.path == "/data" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving_example_site() -> Iterator[str]:
    """Serve the site, and return the program that lets a session reach it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        key_and_certificate = CERTIFICATE.read_text()
        authority = key_and_certificate[key_and_certificate.index("-----BEGIN CERTIFICATE") :]
        yield (
            "import os, pathlib, tempfile\n"
            "authority = pathlib.Path(tempfile.gettempdir(), 'authority.pem')\n"
            f"authority.write_text({authority!r})\n"
            f"os.environ['HTTPS_PROXY'] = 'http://127.0.0.1:{server.server_port}'\n"
            "os.environ['REQUESTS_CA_BUNDLE'] = str(authority)"
        )
        server.shutdown()
