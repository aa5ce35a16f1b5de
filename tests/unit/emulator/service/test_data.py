from __future__ import annotations

import re
from datetime import UTC, datetime

from agentcore_emulator.service.data import ulid


def test_session_ids_are_ulids_that_grow() -> None:
    early, late = ulid(datetime(2026, 1, 1, tzinfo=UTC)), ulid(datetime(2026, 1, 2, tzinfo=UTC))
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", early)
    assert early < late
    # The example of the ULID specification.
    moment = datetime(2016, 7, 30, 22, 36, 16, 385000, tzinfo=UTC)
    assert ulid(moment).startswith("01ARYZ6S41")
