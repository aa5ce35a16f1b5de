"""Prove that no role of a stack has a permission too many, and none too few."""

from .proof import prove

__all__ = ["prove"]
