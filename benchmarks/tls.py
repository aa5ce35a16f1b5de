"""TLS in front of the local AWS, with a certificate of a local certificate authority.

With TLS, a measurement has the handshake and the trust store in it, as a request to AWS has.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
CHUNK_BYTES = 262_144


class TlsEndpoint(NamedTuple):
    """An endpoint, and the certificate of its authority in PEM."""

    url: str
    authority: str


@contextlib.contextmanager
def tls_in_front_of(endpoint: str, directory: Path) -> Iterator[TlsEndpoint]:
    """Serve the HTTP endpoint over TLS.

    :param directory: Where the server's certificate and key are kept.
    """
    authority, certificate = issue_certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    target = urlsplit(endpoint)
    assert target.hostname is not None
    assert target.port is not None
    host, port = target.hostname, target.port
    loop = asyncio.new_event_loop()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            behind, to_behind = await asyncio.open_connection(host, port)
            await asyncio.gather(copy(reader, to_behind), copy(behind, writer))

    server = loop.run_until_complete(asyncio.start_server(forward, HOST, 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield TlsEndpoint(f"https://{HOST}:{server.sockets[0].getsockname()[1]}", authority)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


def issue_certificates(directory: Path) -> tuple[str, Path]:
    """Return the authority's certificate, and the file with the server's certificate and key."""
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name, issuer = common_name("Server"), common_name("Authority of the benchmarks")
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    authority = (
        unsigned_certificate(issuer, issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        unsigned_certificate(name, issuer, server_key.public_key())
        .add_extension(address, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    file = directory / "server.pem"
    key = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(server.public_bytes(Encoding.PEM) + key)
    return authority.public_bytes(Encoding.PEM).decode(), file


def unsigned_certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
