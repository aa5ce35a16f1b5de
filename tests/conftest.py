"""Fixtures for every test: one local AWS for the run, and an account in it for each test."""

from __future__ import annotations

import gc
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.botocore_files import read_once
from tests.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from local_aws import LocalAws

TESTS = PROJECT / "tests"

# Node and the CDK CLI are the project's own, also when pytest is started without make.
os.environ["PATH"] = os.pathsep.join([str(PROJECT / ".venv" / "bin"), os.environ["PATH"]])
os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(PROJECT / ".cache" / "jsii"))
# CDK's validation of templates takes seven seconds of a processor in each process: it is left to
# the tests that are about it, which add it to their apps.
os.environ["CDK_VALIDATION"] = "false"
# Botocore must never find the credentials or the region of the person who runs the tests, unless
# the conformance suite is to use their account.
if os.environ.get("AGENTCORE_ENDPOINT_URL") != "aws":
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]

read_once()

# The same examples on every machine, without a deadline, since a machine may be busy. Examples may
# share a fixture: each of them sets up all that it needs.
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("steady")

# The fixture `local_aws`, which an installed local AWS brings along.
pytest_plugins = ["local_aws.pytest_plugin"]

accounts = itertools.count(100_000_000_000)


@pytest.fixture
def account(local_aws: LocalAws) -> Iterator[str]:
    """Return a 12-digit account that no other test uses, and end its sandboxes after the test."""
    account = str(next(accounts))
    yield account
    end_sandboxes(local_aws, account)


def end_sandboxes(aws: LocalAws, account: str) -> None:
    """End the account's sandboxes: a hundred that wait for the end of the run occupy a core."""
    for session in aws.agentcore.state()["sessions"]:
        if (session["account"], session["status"]) == (account, "READY"):
            client = aws.client("bedrock-agentcore", account, session["region"])
            client.stop_code_interpreter_session(
                codeInterpreterIdentifier=session["codeInterpreterIdentifier"],
                sessionId=session["sessionId"],
            )
            client.close()


def pytest_configure(config: pytest.Config) -> None:
    """Let each worker begin to collect in another place.

    In a fresh clone, pytest compiles each test module, for five seconds in all. A worker finds what
    another one has compiled.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    if worker != "0" and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        files = sorted(path.relative_to(PROJECT).parts for path in TESTS.rglob("test_*.py"))
        begin = len(files) * int(worker) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        folders = [str(Path(*parts[:3])) for parts in files[begin:] + files[:begin]]
        config.args = list(dict.fromkeys(folders))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without looking for garbage: nearly all that is made here stays.

    Nor does a later search look through it, which takes a third of a second.
    """
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


# The folders whose files take long come first, so that no worker is left alone with one of them.
LONG_FOLDERS = ("e2e", "packaging", "integration", "conformance")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the folder of `tests` that it is in, and run long folders first.

    The order is the same in each worker.
    """
    folders = {path.name for path in TESTS.iterdir() if path.is_dir()}
    for item in items:
        folder = folder_of(item)
        if folder in folders:
            item.add_marker(folder)
    order = {folder: index for index, folder in enumerate(LONG_FOLDERS)}
    items.sort(key=lambda item: (order.get(folder_of(item), len(order)), item.path))


def folder_of(item: pytest.Item) -> str:
    return item.nodeid.split("/", 2)[1]
