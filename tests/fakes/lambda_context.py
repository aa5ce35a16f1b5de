"""The context object that Lambda hands to a function."""

from __future__ import annotations

from typing import Any


class Context:
    """Lambda's context object."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"
    client_context: Any = None

    def __init__(self, seconds: float = 60) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self._seconds * 1000)
