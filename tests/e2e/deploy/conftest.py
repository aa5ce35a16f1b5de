from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from . import tool_calls
from .deployment import Deployment, synthesise, synthesise_project

if TYPE_CHECKING:
    from aws_cdk import App

    from local_aws import LocalAws

Deploy = Callable[..., None]


@pytest.fixture
def deployment(local_aws: LocalAws, account: str) -> Deployment:
    return Deployment(local_aws, account)


@pytest.fixture(scope="session")
def deployed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Deploy the stacks that the tests of the tools share."""
    deployment = Deployment(local_aws, tool_calls.ACCOUNT)
    deployment.deploy(synthesise(tool_calls.define, tmp_path_factory.mktemp("assembly")))
    return deployment


@pytest.fixture
def deploy(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Return a function that deploys the project's app: `deploy({"network": "public"})`."""

    def deploy(settings: dict[str, Any]) -> None:
        deployment.deploy(synthesise_project(tmp_path_factory.mktemp("assembly"), settings))

    return deploy


@pytest.fixture
def deploy_stacks(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Return a function that deploys the stacks that its argument defines in an app."""

    def deploy(define: Callable[[App], object]) -> None:
        deployment.deploy(synthesise(define, tmp_path_factory.mktemp("assembly")))

    return deploy
