"""The pytest fixture that comes with an installed local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_aws import LocalAws


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS for the whole run, or for each worker of pytest-xdist.

    Tests that use different accounts do not see each other.
    """
    from local_aws import LocalAws  # a run that does not ask for it shall not wait for boto3

    with LocalAws() as aws:
        yield aws
