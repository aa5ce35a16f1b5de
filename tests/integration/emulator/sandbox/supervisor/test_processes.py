from __future__ import annotations

import os
import subprocess

import pytest

from agentcore_emulator.sandbox.supervisor import linux
from agentcore_emulator.sandbox.supervisor.processes import children, descendants


def test_ps_finds_the_same_children_as_proc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        by_proc = children(os.getpid())
        monkeypatch.setattr(linux, "AVAILABLE", False)
        assert child.pid in by_proc
        assert sorted(children(os.getpid())) == sorted(by_proc)


@pytest.mark.parametrize("most", range(5))
def test_the_search_ends_after_more_than_the_most(most: int) -> None:
    nested = subprocess.Popen(
        ["sh", "-c", "sh -c 'sh -c \"echo; read wait; true\"; true'; true"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with nested:
        assert nested.stdin and nested.stdout
        nested.stdout.readline()
        found = descendants(nested.pid, most)
        assert len(found) == min(2, most + 1)
        assert descendants(nested.pid)[: len(found)] == found
