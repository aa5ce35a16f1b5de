"""Real execution: one sandbox for each session of the emulated service.

A sandbox is a directory, an environment with nothing of the emulator's, limits, and programs
that are all gone when it is closed. It is a development tool, not a security boundary.
"""

from agentcore_emulator.sandbox.sandbox import LocalSandbox
from agentcore_emulator.sandbox.settings import SandboxSettings

__all__ = ["LocalSandbox", "SandboxSettings"]
