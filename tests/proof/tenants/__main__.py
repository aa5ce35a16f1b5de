"""Prove this part alone: `python -m tests.proof.tenants`."""

from .proof import main

main()
