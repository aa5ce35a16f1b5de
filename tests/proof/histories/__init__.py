"""Prove that every response is true, whatever happens at the same time and in between."""

from .proof import prove

__all__ = ["prove"]
