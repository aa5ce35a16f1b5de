"""Read all output of a program, and keep no more of it than a limit."""

from __future__ import annotations

import asyncio
import codecs
import os

CHUNK = 1 << 16
LARGEST_PIPE = 1 << 20  # the most that a program can have written and we have not read


class Output:
    """The read end of a pipe or terminal. It belongs to the event loop in which it is made."""

    def __init__(self, descriptor: int, limit: int) -> None:
        self._descriptor = descriptor
        self._limit = limit
        self._kept = bytearray()
        self._size = 0
        self._loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read)
        self._open = True

    def take(self) -> str:
        """Return the output since the last time, including bytes that are still in the pipe."""
        end = self._size + LARGEST_PIPE  # a program may write without end
        while self._open and self._size < end and self._read():
            pass
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._kept))
        if self._size > self._limit:
            text += f"\n[output truncated: {len(self._kept)} of {self._size} bytes]"
        self._kept.clear()
        self._size = 0
        return text

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _read(self) -> bool:
        """Read once, and return whether there may be more."""
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the end of a terminal on Linux
            data = b""
        if not data:
            self.close()
            return False
        self._size += len(data)
        self._kept += data[: max(0, self._limit - len(self._kept))]
        return True
