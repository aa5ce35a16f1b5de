"""Lambda's entry point. Slow work is done here, once for each execution environment."""

from __future__ import annotations

import gc

# The collector would look dozens of times at the modules that are being loaded, which stay.
gc.disable()

from .application import Application  # noqa: E402 - the collector is off
from .clients import connect, open_connections  # noqa: E402 - the collector is off
from .settings import Settings  # noqa: E402 - the collector is off

settings = Settings.from_environment()
clients = connect()
open_connections(clients, settings.workspace_bucket)
handler = Application(settings, clients).handle

# Later collections leave out all that was made here.
gc.freeze()
gc.enable()
