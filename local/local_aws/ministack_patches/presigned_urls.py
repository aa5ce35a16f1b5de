"""Presigned URLs expire by the emulator's clock, which a test can advance.

The gap: MiniStack knows only the machine's clock, which also dates the URLs, in whole seconds.
Advancing the emulator's clock makes earlier URLs older, and does not affect later ones.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ministack.core import sigv4
from ministack.services import s3

from local_aws.ministack_patches.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentcore_emulator.service.clock import ServiceClock


def install(clock: Callable[[], ServiceClock]) -> None:
    """Make presigned URLs expire by the clock that `clock` returns."""
    for module in (sigv4, s3):
        require(module, ["presigned_request_is_expired"])
    stock_is_expired = sigv4.presigned_request_is_expired

    def is_expired(amz_date: str, expires: str | int, *, now: datetime | None = None) -> bool:
        signed_at = datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        here = signed_at + clock().elapsed_since(signed_at)
        return bool(stock_is_expired(amz_date, expires, now=now or here))

    for module in (sigv4, s3):
        module.presigned_request_is_expired = is_expired


async def wait_for_next_second() -> None:
    """Wait for the next second, so that no URL has the second in which the clock is advanced."""
    await asyncio.sleep(1.001 - time.time() % 1)
