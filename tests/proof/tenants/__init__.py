"""Prove that one tenant never reaches what is the other's."""

from .proof import prove

__all__ = ["prove"]
