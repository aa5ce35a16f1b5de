"""Reading what programs write."""

from __future__ import annotations

import asyncio
import os
import tracemalloc

import pytest

from agentcore_emulator.sandbox.output import Output

MEGABYTE = 1_000_000


def test_a_flood_costs_no_more_than_what_is_kept() -> None:
    read, write = os.pipe()
    chunk = bytes(MEGABYTE)

    def flood() -> None:
        for _ in range(200):
            os.write(write, chunk)
        os.close(write)

    async def take() -> str:
        output = Output(read, limit=MEGABYTE)
        await asyncio.to_thread(flood)
        text = output.take()
        output.close()
        return text

    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    text = asyncio.run(take())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert text.endswith("\n[output truncated: 1000000 of 200000000 bytes]")
    assert len(text) < MEGABYTE + 100
    assert peak - before < 5 * MEGABYTE


def test_each_take_begins_anew() -> None:
    async def takes() -> list[str]:
        read, write = os.pipe()
        output = Output(read, limit=10)
        texts = []
        for data in (b"one", b"", b"too much to be kept", b"two"):
            os.write(write, data)
            texts.append(output.take())
        os.close(write)
        texts.append(output.take())
        output.close()
        return texts

    truncated = "too much t\n[output truncated: 10 of 19 bytes]"
    assert asyncio.run(takes()) == ["one", "", truncated, "two", ""]


def test_a_character_that_was_cut_in_two_is_left_out() -> None:
    async def take() -> str:
        read, write = os.pipe()
        output = Output(read, limit=3)
        os.write(write, "éé".encode())
        text = output.take()
        os.close(write)
        output.close()
        return text

    assert asyncio.run(take()) == "é\n[output truncated: 3 of 4 bytes]"


def test_taking_does_not_wait_for_a_writer_that_never_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def take() -> str:
        read, write = os.pipe()
        output = Output(read, limit=10)
        with monkeypatch.context() as patched:
            patched.setattr(os, "read", lambda _, size: bytes(size))
            text = output.take()
        os.close(write)
        output.close()
        return text

    assert "truncated" in asyncio.run(take())
