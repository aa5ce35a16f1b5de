"""A notebook: a kernel that Jupyter has started, and the messages of its cells."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from jupyter_client.manager import start_new_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

TIMEOUT: Final = 60

Message = tuple[str, dict[str, Any]]


class Notebook:
    """A kernel that runs, and the messages of its cells."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def begin(self, code: str) -> str:
        return str(self.client.execute(code))

    def messages(self, number: str) -> Iterator[Message]:
        """Yield the messages of a cell as they come, until it has ended."""
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return
            if kind not in ("status", "execute_input"):
                yield kind, content

    def run(self, code: str) -> list[Message]:
        return list(self.messages(self.begin(code)))

    def text(self, code: str) -> str:
        return text_of(self.run(code))

    def complete(self, code: str) -> dict[str, Any]:
        reply = self.client.complete(code, reply=True, timeout=TIMEOUT)
        content: dict[str, Any] = reply["content"]
        return content


def text_of(messages: list[Message]) -> str:
    return "".join(content["text"] for kind, content in messages if kind == "stream")


@contextmanager
def started(name: str = "code-interpreter", **options: Any) -> Iterator[Notebook]:
    manager, client = start_new_kernel(kernel_name=name, startup_timeout=TIMEOUT, **options)
    try:
        yield Notebook(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
