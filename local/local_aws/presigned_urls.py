"""Presigned URLs end by the emulator's clock, which a test can advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.core import sigv4
from ministack.services import s3

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


def install(clock: Callable[[], datetime]) -> None:
    """`clock` tells the time. Raises AttributeError when this MiniStack no longer has what is
    patched here."""
    stock_is_expired = sigv4.presigned_request_is_expired

    def is_expired(amz_date: str, expires: str | int, *, now: datetime | None = None) -> bool:
        return bool(stock_is_expired(amz_date, expires, now=now or clock()))

    for module in (sigv4, s3):
        assert module.presigned_request_is_expired is stock_is_expired
        module.presigned_request_is_expired = is_expired
