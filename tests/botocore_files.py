"""Read each of botocore's files once, and list its services once.

Botocore does both anew for each session, for a tenth of a second.
"""

from __future__ import annotations

import functools
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

load_file = JSONFileLoader.load_file
loaded_files: dict[str, Any] = {}

list_services = Loader.list_available_services
listed_services: dict[tuple[str, ...], list[str]] = {}


@functools.wraps(load_file)
def load_file_once(self: JSONFileLoader, path: str) -> Any:
    if path not in loaded_files:
        loaded_files[path] = load_file(self, path)
    return loaded_files[path]


@functools.wraps(list_services)
def list_services_once(self: Loader, type_name: str) -> list[str]:
    key = (type_name, *self.search_paths)
    if key not in listed_services:
        listed_services[key] = list_services(self, type_name)
    return listed_services[key]


def read_once() -> None:
    JSONFileLoader.load_file = load_file_once
    Loader.list_available_services = list_services_once
