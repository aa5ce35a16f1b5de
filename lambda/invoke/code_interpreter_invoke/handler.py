"""What Lambda calls. Everything that takes time is done here, when the environment starts."""

from __future__ import annotations

from .application import InvokeFunction
from .clients import connect
from .settings import Settings

handler = InvokeFunction(Settings.from_environment(), connect())
