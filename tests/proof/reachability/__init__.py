"""Prove that code in a sandbox reaches what its network declares, and nothing else."""

from .proof import prove

__all__ = ["prove"]
