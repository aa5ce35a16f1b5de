"""The guard: the emulator's child, which outlives the session and cleans up after it."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from . import linux, namespaces
from .messages import receive_configuration, send_report
from .processes import end, end_descendants
from .program import KernelFork
from .removal import remove_tree
from .session import SessionProcess


def main(control_descriptor: str) -> None:
    """Guard the session that the emulator describes on a socket."""
    run(socket.socket(fileno=int(control_descriptor)))


def run(control: socket.socket) -> None:
    """Guard one session until it has ended and nothing of it is left."""
    control.set_inheritable(False)
    settings = receive_configuration(control)
    os.umask(0o022)
    parent = os.getppid()
    session = 0

    def end_session_of_dead_parent(*_: object) -> None:
        # The signal also comes when only the parent's thread ended.
        if os.getppid() != parent and session:
            end(session)

    signal.signal(signal.SIGTERM, end_session_of_dead_parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's handler would end the session
    if linux.AVAILABLE:
        linux.become_subreaper()
        linux.signal_on_parents_death(signal.SIGTERM)
    if settings["namespaces"]:
        namespaces.enter()
    session = os.fork()
    if session == 0:
        try:
            SessionProcess(control, settings).run()
        except KernelFork:
            raise
        except BaseException as error:
            send_report(control, {"failed": repr(error)})
        os._exit(0)
    os.waitpid(session, 0)
    end_descendants()
    send_report(control, {"empty": True})
    for directory in settings["remove"]:
        remove_tree(Path(directory))
    send_report(control, {"closed": True})
