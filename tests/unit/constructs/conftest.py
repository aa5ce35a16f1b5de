from __future__ import annotations

import pytest
from aws_cdk import App, Stack


@pytest.fixture
def app() -> App:
    """An app without feature flags, as in somebody else's project."""
    return App(builtin_cloud_formation_validation=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Test")
