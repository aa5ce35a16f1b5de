"""Real execution: a sandbox for each session of the emulated service.

A sandbox is a directory, an environment of its own, limits, and programs that all end when it is
closed. It is a development tool, not a security boundary.

`sandbox` runs the `operations`; they start `programs` through `supervisor_client`, whose other
side is the `supervisor`.
"""

from agentcore_emulator.sandbox.sandbox import LocalSandbox
from agentcore_emulator.sandbox.settings import SandboxSettings

__all__ = ["LocalSandbox", "SandboxSettings"]
