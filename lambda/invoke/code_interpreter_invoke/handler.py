"""Lambda's entry point. Slow work is done here, once for each execution environment."""

from __future__ import annotations

from .application import Application
from .clients import connect
from .settings import Settings

handler = Application(Settings.from_environment(), connect()).handle
