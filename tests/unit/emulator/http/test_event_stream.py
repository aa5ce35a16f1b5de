from __future__ import annotations

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore_emulator.http import event_stream


def decoded(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


@settings(max_examples=20)
@given(
    st.dictionaries(st.text(min_size=1, max_size=60), st.text(max_size=200), max_size=5),
    st.binary(max_size=300),
)
def test_botocore_decodes_what_is_encoded(headers: dict[str, str], payload: bytes) -> None:
    assert decoded(event_stream.encode(headers, payload)) == [(headers, payload)]


def test_known_bytes() -> None:
    """The empty message of the format's published test vectors."""
    assert event_stream.encode({}, b"").hex() == "000000100000000005c248eb7d98c8ff"


def test_event_and_exception_headers() -> None:
    stream = event_stream.event("result", b"{}") + event_stream.exception("conflictException", b"!")
    content_type = {":content-type": "application/json"}
    assert decoded(stream) == [
        ({":message-type": "event", ":event-type": "result", **content_type}, b"{}"),
        (
            {
                ":message-type": "exception",
                ":exception-type": "conflictException",
                **content_type,
            },
            b"!",
        ),
    ]


def test_corrupt_message_fails_its_checksum() -> None:
    with pytest.raises(ChecksumMismatch):
        decoded(event_stream.corrupt(event_stream.event("result", b"{}")))
