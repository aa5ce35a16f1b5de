"""The pytest fixture `local_aws`, which an installed local AWS brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_aws import LocalAws


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """Run one local AWS for the whole test run, or for each worker of pytest-xdist.

    Tests that use different accounts do not see each other's resources.
    """
    from local_aws import LocalAws  # here, so that other test runs do not wait for boto3's import

    with LocalAws() as aws:
        yield aws
