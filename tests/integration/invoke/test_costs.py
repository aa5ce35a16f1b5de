"""The costs that are the same on every machine stay within those of `docs/performance.md`."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cold import start_calls_ratio, start_ratio
from benchmarks.counts import ASSETS, MAX_ASSET_BYTES, MAX_RESOURCES, resources, zipped_bytes
from benchmarks.figures import PROJECT
from tests.integration.invoke.wire import Wire

# Measured: 1.29. Of boto3 the function imports botocore; its own source has no byte code.
MAX_START_RATIO = 1.33
MAX_START_CALLS_RATIO = 1.19  # measured: 1.16


def test_a_warm_request_makes_one_call_of_each_service_and_starts_no_thread(
    shared_wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_wire.put("uploads/data.csv", b"1")
    shared_wire.ok("execute_code", session="s", code="pass")
    calls: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        calls[event_name] += 1

    for client in shared_wire.clients:
        client.meta.events.register("before-send", count)
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def record(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", record)
    response = shared_wire.ok("execute_code", session="s", code="open('a', 'w').close(); 2")
    for client in shared_wire.clients:
        client.meta.events.unregister("before-send", count)
    assert calls == {
        "before-send.bedrock-agentcore.InvokeCodeInterpreter": 1,
        "before-send.s3.ListObjectsV2": 1,
    }
    assert started == []
    assert response["results"] == [{"text/plain": "2"}]
    assert response["files_changed"] == {"created": ["a"]}


def test_the_start_makes_few_calls(tmp_path: Path) -> None:
    assert start_calls_ratio(tmp_path) <= MAX_START_CALLS_RATIO


@pytest.mark.slow  # the calls of functions are counted above, and the bytes of source below
@pytest.mark.timeout(900)  # 20 s of a processor, which can take long beside other work
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not on the PATH")
def test_the_start_takes_few_instructions(tmp_path: Path) -> None:
    assert start_ratio(tmp_path) <= MAX_START_RATIO


@pytest.mark.parametrize("asset", ASSETS)
def test_an_asset_is_small(asset: str) -> None:
    assert zipped_bytes(PROJECT / "lambda" / asset) <= MAX_ASSET_BYTES


def test_the_default_stack_has_few_resources() -> None:
    assert resources() <= MAX_RESOURCES
