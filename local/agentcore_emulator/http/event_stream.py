"""Encode `application/vnd.amazon.eventstream` messages.

A message is a prelude (total length, header length, CRC of both), headers, a payload, and a CRC
of all bytes before it. Every header that this API sends is a string (type 7).
"""

from __future__ import annotations

import binascii
import struct

# The largest payload that botocore's decoder accepts, in bytes (botocore.eventstream).
MAXIMUM_PAYLOAD = 24 * 1024 * 1024


def encode(headers: dict[str, str], payload: bytes) -> bytes:
    """Return a message of the stream."""
    encoded_headers = b"".join(encode_header(name, value) for name, value in headers.items())
    total = 4 + 4 + 4 + len(encoded_headers) + len(payload) + 4
    prelude = struct.pack("!II", total, len(encoded_headers))
    message = b"".join((prelude, crc32(prelude), encoded_headers, payload))
    return message + crc32(message)


def event(event_type: str, payload: bytes) -> bytes:
    """Return the message of an event."""
    return encode(
        {
            ":message-type": "event",
            ":event-type": event_type,
            ":content-type": "application/json",
        },
        payload,
    )


def exception(exception_type: str, payload: bytes) -> bytes:
    """Return the message of a modelled exception, which ends the stream."""
    return encode(
        {
            ":message-type": "exception",
            ":exception-type": exception_type,
            ":content-type": "application/json",
        },
        payload,
    )


def corrupt(message: bytes) -> bytes:
    """Return the message with a checksum that does not match."""
    return message[:-1] + bytes([message[-1] ^ 0xFF])


def encode_header(name: str, value: str) -> bytes:
    encoded_name, encoded_value = name.encode(), value.encode()
    return (
        struct.pack("!B", len(encoded_name))
        + encoded_name
        + struct.pack("!BH", 7, len(encoded_value))
        + encoded_value
    )


def crc32(data: bytes) -> bytes:
    return struct.pack("!I", binascii.crc32(data))
