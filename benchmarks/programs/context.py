"""The context that Lambda hands to a handler."""

from __future__ import annotations


class Context:
    """As much of it as the function reads."""

    aws_request_id = "11111111-2222-3333-4444-555555555555"
    client_context = None

    def get_remaining_time_in_millis(self) -> int:
        return 300_000
