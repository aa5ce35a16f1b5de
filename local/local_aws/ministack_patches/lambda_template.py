"""Fork the processes of Python functions, with the AWS SDK imported once for all of them.

Never imported: `lambda_processes` runs this file with the Lambda interpreter; the argument is an
empty folder, which goes on to have compiled modules. Its standard input is a Unix socket, on which
each message has a process's program, folder and environment, with the file descriptors of its
standard streams; the response is the process's id, or -1 if none can start. It ends with the
socket, and the processes end with it.

A function finds what it would find in a new interpreter, but for modules that are already loaded:
no thread has run, no connection is open, and `random` seeds itself anew after a fork.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import marshal
import os
import runpy
import signal
import socket
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

before = set(sys.modules)
# The SDK is four fifths of a cold start's work in the local AWS.
with contextlib.suppress(ImportError):
    import boto3  # noqa: F401 - for the processes that are forked

SDK = {name.partition(".")[0] for name in sys.modules.keys() - before} - sys.stdlib_module_names
# A collection in a fork would copy the memory that the fork shares.
gc.freeze()
STREAMS = 3
LONGEST_MESSAGE = 1024 * 1024
COMPILED = Path(sys.argv[1])


def main() -> None:
    requests = socket.socket(fileno=os.dup(0))
    # Ended processes leave no zombie, and their ids say that they have ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, streams, _, _ = socket.recv_fds(requests, LONGEST_MESSAGE, STREAMS)
        if not message:
            return
        try:
            child = os.fork()
        except OSError:  # the machine has no process or no memory left
            child = -1
        if child == 0:
            requests.close()
            run(json.loads(message), streams)
        for stream in streams:
            os.close(stream)
        requests.send(str(child).encode())


def run(request: dict[str, Any], streams: list[int]) -> None:
    """Become the process of a function, as if its program had been started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace")
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if any(path.stem in SDK for path in Path.cwd().iterdir()):
        forget_sdk()
    program = str(request["program"])
    sys.argv = [program]
    sys.dont_write_bytecode = True  # in Lambda, a function's code is read-only
    any_loader: Any = SourceFileLoader  # whose method has more types of source
    any_loader.source_to_code = code_of_source
    sys.path[0] = str(Path(program).parent)
    exit_code = 1
    try:
        runpy.run_path(program, run_name="__main__")
        exit_code = 0
    except SystemExit as exit_request:
        exit_code = exit_request.code if isinstance(exit_request.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(exit_code)


def code_of_source(
    _loader: SourceFileLoader, source: bytes, path: str, *, _optimization: int = -1
) -> CodeType:
    """Compile a module, unless an earlier process has compiled the same source elsewhere.

    Each process has a copy of the function's code in a folder of its own, so that Python finds no
    byte code for it.
    """
    compiled = COMPILED / hashlib.sha256(source).hexdigest()
    with contextlib.suppress(OSError):
        code: CodeType = marshal.loads(compiled.read_bytes())  # noqa: S302 - written by these processes
        return at_path(code, path)
    code = compile(source, path, "exec", dont_inherit=True)
    with contextlib.suppress(OSError):
        # Two threads may import modules of the same source, such as two empty ones.
        written = compiled.with_suffix(f".{threading.get_native_id()}")
        written.write_bytes(marshal.dumps(code))
        written.replace(compiled)
    return code


def at_path(code: CodeType, path: str) -> CodeType:
    """Return code that names another file, with the functions and classes in it."""
    constants = tuple(
        at_path(constant, path) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    )
    return code.replace(co_filename=path, co_consts=constants)


def forget_sdk() -> None:
    """Let a function that brings a part of the SDK import its own, as in the managed runtime."""
    for name in [name for name in sys.modules if name.partition(".")[0] in SDK]:
        del sys.modules[name]


main()
