"""Synthesise the apps into a folder, and print the imports and connections made as JSON.

Usage: python synthesise.py FOLDER
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

OF_OTHERS = (
    "agentcore_emulator",
    "boto3",
    "botocore",
    "cdk_nag",
    "code_interpreter_control",
    "code_interpreter_invoke",
    "local_aws",
    "stacks",
)
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")

reached_for: list[str] = []


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Record every use of the network, and every import of a module that a consumer lacks."""
    if event in NETWORK:
        reached_for.append(f"{event} {arguments[1:]}")
    elif event == "import" and arguments[0].partition(".")[0] in OF_OTHERS:
        reached_for.append(f"import {arguments[0]}")


sys.addaudithook(watch)

import apps  # noqa: E402 - after the hook

import cdk_code_interpreter  # noqa: E402 - as above

for module in pkgutil.iter_modules(cdk_code_interpreter.__path__):
    if module.name != "checks":  # which needs the extra `checks`
        importlib.import_module(f"cdk_code_interpreter.{module.name}")
apps.synthesise(Path(sys.argv[1]))
report = {
    "library": cdk_code_interpreter.__file__,
    "path": sys.path,
    "reached_for": list(reached_for),
    "importable": [module for module in OF_OTHERS if find_spec(module)],
}
print(json.dumps(report))  # noqa: T201 - the test reads it
