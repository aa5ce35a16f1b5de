# mypy: ignore-errors
# (Its imports are in the sandbox's environment, not in the emulator's.)
"""The program of a session's Python kernel. It runs in the sandbox's interpreter.

An IPython kernel that leaves its standard streams to the operating system: output of Python code,
of child processes and of C code arrives in order, at the speed of the reader, and can be
truncated without ever being in memory as a whole. The kernel prints displayed values, too;
displayed images travel in the reply to the execution.

With the first argument `template`, it is the template, from which kernels are forked.
"""

import base64
import contextlib
import importlib
import io
import os
import sys

import ipykernel.kernelapp
from ipykernel.displayhook import ZMQShellDisplayHook
from ipykernel.iostream import IOPubThread
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQDisplayPublisher, ZMQInteractiveShell
from traitlets import DottedObjectName, Type
from traitlets.config import Config

IMPORTED_LATE = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "faulthandler",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "tornado.queues",
    "unicodedata",
)


class PublishingThread(IOPubThread):
    """Does not listen on a port for the output of child processes."""

    def __init__(self, socket, *, session, **_):
        super().__init__(socket, pipe=False, session=session)


class DisplayHook(ZMQShellDisplayHook):
    """Prints the value of a last expression."""

    echoes = True

    def finish_displayhook(self):
        if self.echoes and self.msg:
            print(self.msg["content"]["data"].get("text/plain", ""))
        self.msg = None


class DisplayPublisher(ZMQDisplayPublisher):
    """Prints displayed text, and puts displayed images into the reply."""

    def publish(self, data, *_, **__):
        if "text/plain" in data:
            print(data["text/plain"])
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                image = data[kind]
                if isinstance(image, bytes):
                    image = base64.b64encode(image).decode()
                self.shell.payload_manager.write_payload(
                    {"source": "image", "mimeType": kind, "data": image}, single=False
                )

    def clear_output(self, wait=False):
        pass


@contextlib.contextmanager
def hidden_output():
    """Discard what is written to the standard output."""
    sys.stdout.flush()
    with open(os.devnull, "w") as nothing:
        output = os.dup(1)
        os.dup2(nothing.fileno(), 1)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(output, 1)
            os.close(output)


class Shell(ZMQInteractiveShell):
    displayhook_class = Type(DisplayHook)
    display_pub_class = Type(DisplayPublisher)
    hides_hooks = False

    def init_events(self):
        super().init_events()
        if self.hides_hooks:
            self.events.trigger = self.hidden(self.events.trigger)

    def hidden(self, trigger):
        def trigger_hidden(event, *args):
            is_hidden = event in ("pre_run_cell", "post_run_cell")
            with hidden_output() if is_hidden else contextlib.nullcontext():
                trigger(event, *args)

        return trigger_hidden


class OpenBuffer(io.BufferedWriter):
    """A standard stream's buffer, which stays open when a program closes the stream.

    So does a stream that a program puts around the buffer and drops. Without its standard streams,
    the kernel could not reply.
    """

    def close(self):
        self.flush()


class PrintingKernel(IPythonKernel):
    shell_class = Type(Shell)


class KernelApplication(IPKernelApp):
    kernel_class = Type(PrintingKernel)
    outstream_class = DottedObjectName(None, allow_none=True)

    def log_connection_info(self):
        pass

    def init_io(self):
        super().init_io()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            options = {"encoding": stream.encoding, "errors": "backslashreplace"}
            buffer = OpenBuffer(stream.detach().detach())
            opened = io.TextIOWrapper(buffer, line_buffering=True, **options)
            setattr(sys, name, opened)
            setattr(sys, f"__{name}__", opened)


def import_late_modules():
    """Import the modules that the kernel imports while it starts and first runs code."""
    for name in IMPORTED_LATE:
        with contextlib.suppress(ImportError):  # of another version
            importlib.import_module(name)


if __name__ == "__main__":
    # Nobody attaches a debugger; to load one takes time and warns on stderr.
    sys.modules["debugpy"] = None
    if sys.argv[1] == "template":  # see `supervisor.template`: each of its kernels goes on here
        folder, descriptor, directory = sys.argv[2:]
        import_late_modules()
        sys.path.insert(0, folder)
        template = importlib.import_module("supervisor.template")
        del sys.path[0]
        sys.argv[1:] = template.serve(int(descriptor), directory)
        del template
    DisplayHook.echoes = sys.argv.pop(1) == "echo"
    Shell.hides_hooks = sys.argv.pop(1) == "hidden"
    ipykernel.kernelapp.IOPubThread = PublishingThread
    config = Config()
    config.InteractiveShell.colors = "nocolor"
    config.HistoryManager.enabled = False
    application = KernelApplication.instance(config=config)
    application.initialize()
    del sys.modules["debugpy"]
    sys.path.insert(0, "")  # the session's modules: too late for them to replace ours
    application.start()
