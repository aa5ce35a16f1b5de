"""The kernel: Jupyter's messages on one side, a session of the deployed function on the other."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final

from ipykernel.kernelbase import Kernel
from IPython.core.inputtransformer2 import TransformerManager

from ..cli.failures import UsageError, sentence
from ..cli.kernel import target_of
from ..errors import CodeInterpreterError
from .cell import Cell, CellError
from .notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Mapping

Content = dict[str, Any]

# Errors that say what to change.
EXPECTED: Final = (CodeInterpreterError, UsageError, OSError, UnicodeDecodeError)


class CodeInterpreterKernel(Kernel):
    """Runs cells in a session: one of its own, or the one that the environment names.

    Nothing is sent before the first cell. A set-up that does not work is an error of the cell.
    """

    implementation = "code-interpreter"
    implementation_version = "1"
    banner = "Python in a sandbox of Amazon Bedrock AgentCore"
    language_info = {  # noqa: RUF012 - a trait of the base class
        "name": "python",
        "mimetype": "text/x-python",
        "file_extension": ".py",
        "codemirror_mode": {"name": "ipython", "version": 3},
        "pygments_lexer": "ipython3",
        "nbconvert_exporter": "python",
    }

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._notebook = Notebook(target_of(os.environ))

    @property
    def kernel_info(self) -> Content:
        """Describe the kernel, which offers no debugger: the programs run elsewhere."""
        return {**super().kernel_info, "supported_features": []}

    async def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> Content:
        """Run a cell, and return how it ended."""
        parent = self.get_parent("shell")

        def send(message_type: str, content: Mapping[str, Any]) -> None:
            # From any thread: the base class knows the cell in its own one alone.
            assert self.session is not None
            self.session.send(self.iopub_socket, message_type, dict(content), parent)

        cell = Cell(send, self.execution_count, silent=silent)
        try:
            error = self._notebook.run(cell, code)
        except EXPECTED as failure:
            error = CellError.of(type(failure).__name__, sentence(failure))
        except Exception as failure:
            # Without a reply the cell would seem to run for ever.
            self.log.exception("a cell failed unexpectedly")
            error = CellError.of(type(failure).__name__, str(failure))
        reply: Content = {"status": "ok", "execution_count": self.execution_count}
        if error is None:
            return {**reply, "payload": [], "user_expressions": {}}
        cell.send("error", error.content)
        return {**reply, "status": "error", **error.content}

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Interrupt the program of the cell that runs, from the thread of the control channel."""
        await asyncio.to_thread(self._notebook.interrupt)
        assert self.session is not None
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    async def do_complete(self, code: str, cursor_pos: int) -> Content:
        """Return the completions at the cursor."""
        matches, start, end = self._notebook.complete(code, cursor_pos)
        return {
            "status": "ok",
            "matches": matches,
            "cursor_start": start,
            "cursor_end": end,
            "metadata": {},
        }

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, *_: Any
    ) -> Content:
        """Return the description of the name at the cursor."""
        data = self._notebook.inspect(code, cursor_pos, detail_level)
        return {"status": "ok", "found": bool(data), "data": data, "metadata": {}}

    async def do_is_complete(self, code: str) -> Content:
        """Return whether a program can run, which needs no request."""
        status, indentation = TransformerManager().check_complete(code)
        if status == "incomplete":
            return {"status": status, "indent": " " * (indentation or 0)}
        return {"status": status}

    async def do_shutdown(self, restart: bool) -> Content:
        """Stop the sandbox, but the one of a named session only for a restart."""
        await asyncio.to_thread(self._notebook.close, restart=restart)
        return {"status": "ok", "restart": restart}
