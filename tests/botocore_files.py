"""Read each of botocore's files once.

Botocore reads the models of services anew for each session, for a tenth of a second.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import JSONFileLoader

load_file = JSONFileLoader.load_file
loaded_files: dict[str, Any] = {}


@functools.wraps(load_file)
def load_file_once(self: JSONFileLoader, path: str) -> Any:
    if path not in loaded_files:
        loaded_files[path] = load_file(self, path)
    return loaded_files[path]


def read_once() -> None:
    JSONFileLoader.load_file = load_file_once
