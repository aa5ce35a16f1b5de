"""Prove this part alone: `python -m tests.proof.histories`."""

from .proof import main

main()
