"""Gaps in MiniStack that the local AWS closes, one module for each."""
