"""Drive two tenants against each other, and break what keeps them apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from code_interpreter_invoke import idempotency
from code_interpreter_invoke.files import workspace
from code_interpreter_invoke.requests import gateway
from code_interpreter_invoke.sessions.store import SessionStore
from tests.proof.part import Part, without_log

from .machine import FunctionForEach, SessionForEach, TwoTenants

EXAMPLES = 150
STEPS = 40
# Examples that a mutant may take to be caught.
MOST_EXAMPLES = 60

Change = Callable[[], AbstractContextManager[Any]]


def patch(target: Any, name: str, value: Any) -> Change:
    return lambda: mock.patch.object(target, name, value)


def key_from_any_path(self: Any, path: str) -> str:
    return f"{self._root}{path}"


def direct_request_of(self: Any) -> Any:
    """Take the session from the model's arguments, if they have it."""
    arguments = dict(self._event)
    session = arguments.pop("session", None)
    named = gateway.Gateway(arguments, self._custom)
    request = original_request(named)
    return request if session is None else request._replace(session=session)


original_request = gateway.Gateway.request

# Each breaks a part of what keeps tenants apart, and names the machine that has to notice.
MUTANTS: tuple[tuple[str, type[TwoTenants], Change], ...] = (
    (
        "a path becomes a key as it is",
        FunctionForEach,
        patch(workspace.Workspace, "key", key_from_any_path),
    ),
    (
        "a page token begins anywhere",
        FunctionForEach,
        patch(workspace, "path_of_token", lambda token, folder: f"../{token}"),
    ),
    (
        "session records have no prefix",
        FunctionForEach,
        patch(SessionStore, "_key", lambda store, session: f"sessions/{session}.json"),
    ),
    (
        "a response is recorded for all tenants",
        FunctionForEach,
        patch(idempotency, "object_name", lambda session, key: "../responses.json"),
    ),
    (
        "the model names the session",
        SessionForEach,
        patch(gateway.Gateway, "request", direct_request_of),
    ),
)


def prove(seed_number: int, examples: int = EXAMPLES, steps: int = STEPS) -> Part:
    """Prove that no call of one tenant reaches what is the other's."""
    part = Part(
        "Two tenants",
        "Whatever two tenants send, at once and with each other's names, paths, page tokens, URLs, "
        "idempotency keys and session ids: no request to AgentCore or S3 has the other's session "
        "or key, and no response the other's data.",
    )
    for machine, way in (
        (FunctionForEach, "a function for each"),
        (SessionForEach, "a session for each"),
    ):
        machine.steps = machine.watched = machine.refused = 0
        failure = failure_of(machine, seed_number, examples, steps)
        part.figures |= {
            f"calls, {way}": machine.steps,
            f"calls refused, {way}": machine.refused,
            f"requests watched, {way}": machine.watched,
        }
        if failure:
            part.failures.append(f"{way}: {failure}")
    caught = {
        name: failure_of(machine, seed_number, MOST_EXAMPLES, steps, change)
        for name, machine, change in MUTANTS
    }
    part.figures |= {"mutants": len(caught), "mutants caught": sum(map(bool, caught.values()))}
    part.failures += [f"survivor: {name}" for name, failure in caught.items() if not failure]
    return part


@without_log()
def failure_of(
    machine: type[TwoTenants],
    seed_number: int,
    examples: int,
    steps: int,
    change: Change | None = None,
) -> str:
    """Return the failure that the machine finds, or an empty text."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=InMemoryExampleDatabase(),
        # A mutant only has to be caught.
        phases=[Phase.generate] if change else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    seeded = seed(seed_number)(machine)
    try:
        if change is None:
            run_state_machine_as_test(seeded, settings=chosen)
        else:
            with change():
                run_state_machine_as_test(seeded, settings=chosen)
    except AssertionError as failure:
        return str(failure).partition("\n")[0]
    return ""


def main() -> None:
    """Prove this part alone."""
    began_at = time.monotonic()
    part = prove(17)
    lines = [f"{name}: {figure}" for name, figure in part.figures.items()]
    lines += [*part.failures, f"{time.monotonic() - began_at:.0f} s"]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.exit(bool(part.failures))
