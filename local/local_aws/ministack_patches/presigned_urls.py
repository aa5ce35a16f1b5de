"""Presigned URLs end by the emulator's clock, which a test can advance.

They are dated in whole seconds by the machine's clock. One that was signed before an advance is
older by it; one that is signed afterwards is not.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ministack.core import sigv4
from ministack.services import s3

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcore_emulator.service.clock import ServiceClock


def install(clock: Callable[[], ServiceClock]) -> None:
    """`clock` is the one in use. Raises AttributeError when this MiniStack no longer has what is
    patched here."""
    stock_is_expired = sigv4.presigned_request_is_expired

    def is_expired(amz_date: str, expires: str | int, *, now: datetime | None = None) -> bool:
        signed_at = datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        here = signed_at + clock().elapsed_since(signed_at)
        return bool(stock_is_expired(amz_date, expires, now=now or here))

    for module in (sigv4, s3):
        assert module.presigned_request_is_expired is stock_is_expired
        module.presigned_request_is_expired = is_expired


async def next_second() -> None:
    """Wait for it, so that nothing is dated with the second in which the clock is advanced."""
    await asyncio.sleep(1.001 - time.time() % 1)
