"""Fork processes of the client, with the modules that they import loaded once for all of them.

Never imported: `forks` runs this module, with the names of the modules to load. Its standard input
is a Unix socket, on which each message has a process's arguments, folder and environment, with the
file descriptors of its standard streams and of a socket for its exit code; the process responds
with its id. The template ends with the socket.

A process runs its program as Python runs it, in a session of its own, and ends as any other.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import termios
from typing import Any

import boto3

from tests.botocore_files import read_once

STREAMS = 3
LONGEST_MESSAGE = 1024 * 1024
# The socket for the exit code of each process that runs.
exits: dict[int, socket.socket] = {}


def load(modules: list[str]) -> None:
    """Import modules, and read the models of the services that the client uses.

    All that is made here stays: to look for garbage in it is half of a short process's work.
    """
    gc.disable()
    for name in modules:
        importlib.import_module(name)
    read_once()
    session = boto3.Session("none", "none", region_name="us-east-1")
    for service in ("cloudformation", "lambda"):
        session.client(service)
    gc.freeze()
    gc.enable()


def serve(requests: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork until the socket ends; in a forked process, return its request and its streams."""
    signal.signal(signal.SIGCHLD, send_exit_codes)
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, LONGEST_MESSAGE, STREAMS + 1)
        if not message:
            return None
        *streams, ended = descriptors
        # A process that ends at once must be known by then.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        process_id = os.fork()
        if process_id == 0:
            os.setsid()  # before anybody knows the process, and signals its group
            requests.send(str(os.getpid()).encode())
            os.close(ended)
            for theirs in (requests, *exits.values()):
                theirs.close()
            return json.loads(message), streams
        exits[process_id] = socket.socket(fileno=ended)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        for stream in streams:
            os.close(stream)


def send_exit_codes(*_: object) -> None:
    while exits:
        process_id, status = os.waitpid(-1, os.WNOHANG)
        if process_id == 0:
            return
        with exits.pop(process_id) as ended:
            ended.send(str(os.waitstatus_to_exitcode(status)).encode())


def run(request: dict[str, Any], streams: list[int]) -> None:
    """Run the module, or the program, of a process that has just been forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False, errors="backslashreplace")
    if os.isatty(0):
        # The program's own terminal, so that Ctrl-C reaches it as SIGINT.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    match request["arguments"]:
        case ["-m", module, *arguments]:
            sys.argv = ["-m", *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", program, *arguments]:
            sys.argv = ["-c", *arguments]
            exec(program, {"__name__": "__main__"})
        case [script, *arguments]:
            sys.argv = [script, *arguments]
            runpy.run_path(script, run_name="__main__")


load(sys.argv[1:])
forked = serve(socket.socket(fileno=os.dup(0)))
if forked:
    run(*forked)
