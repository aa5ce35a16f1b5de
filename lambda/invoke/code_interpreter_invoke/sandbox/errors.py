"""Errors of work that the function does in a sandbox beside the user's own operation."""

from __future__ import annotations

from ..errors import NotStartedError


class TransferError(NotStartedError):
    """The sandbox refused a file, and would refuse it again."""

    retryable_by_default = False


class ProgramError(TransferError):
    """The program in the sandbox failed, and would fail again."""
