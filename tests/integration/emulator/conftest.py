from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.emulator.serving import Served, serving


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve an emulator with its defaults, except that the control plane takes no time."""
    with serving() as served:
        yield served
