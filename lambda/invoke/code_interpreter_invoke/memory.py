"""Gives the memory of large blocks back to the system as soon as they are free.

glibc keeps what it has once seen freed, in case a block of that size is wanted again. A result of
the service's largest size passes through several forms, one after the other, and would so take
210 MB instead of 140.
"""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h; setting it ends its own adjustments.
M_MMAP_THRESHOLD = -3
LARGE = 1 << 20  # bytes


def return_large_blocks() -> None:
    """Set it for the rest of the process; other C libraries than glibc are left as they are."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
