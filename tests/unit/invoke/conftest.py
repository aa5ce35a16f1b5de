from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from tests.fakes.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "sandboxes")


@pytest.fixture
def clock() -> Clock:
    return Clock()
