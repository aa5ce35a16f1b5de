from __future__ import annotations

import pytest
from aws_cdk import App, Stack


@pytest.fixture
def app() -> App:
    """Return an app without feature flags, as projects of others can have it."""
    return App(builtin_cloud_formation_validation=False)


@pytest.fixture
def stack(app: App) -> Stack:
    return Stack(app, "Test")
