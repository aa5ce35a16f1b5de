"""What Lambda calls. Everything that takes time is done here, when the environment starts."""

from __future__ import annotations

from .clients import connect
from .function import InvokeFunction
from .memory import return_large_blocks
from .settings import Settings

return_large_blocks()
handler = InvokeFunction(Settings.from_environment(), connect())
