"""Faults that each break a part of what keeps tenants apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from code_interpreter_invoke import idempotency
from code_interpreter_invoke.application import Application
from code_interpreter_invoke.clients import CodeInterpreterClient
from code_interpreter_invoke.files import workspace
from code_interpreter_invoke.requests import gateway
from code_interpreter_invoke.sessions.spare import Spare
from code_interpreter_invoke.sessions.store import SessionStore
from code_interpreter_invoke.settings import Settings

from .machine import FunctionForEach, SessionForEach, TwoTenants

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


class ShortKeys(dict[str, Any]):
    """A cache that takes a part of a name for the name."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.partition("-")[0], default)

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key.partition("-")[0])

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key.partition("-")[0], value)


def remember_by_short_keys(self: Any, *arguments: Any) -> None:
    original_init(self, *arguments)
    self._record_cache = ShortKeys()


original_init = Application.__init__


def key_of_any_session(session: str | None, key: str | None) -> str:
    del session
    return f"responses/{hashlib.sha256(str(key).encode()).hexdigest()}.json"


def sessions_of_all(self: Any, status: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    self._suffix = ""
    return original_sessions(self, status)


original_sessions = CodeInterpreterClient.own_sessions

# Each with the machine that has to notice.
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
        "every sandbox is listed",
        FunctionForEach,
        patch(CodeInterpreterClient, "own_sessions", sessions_of_all),
    ),
    (
        "all functions mark their sandboxes alike",
        FunctionForEach,
        patch(Settings, "owner", "everybody"),
    ),
    (
        "the model names the session",
        SessionForEach,
        patch(gateway.Gateway, "request", direct_request_of),
    ),
    (
        "the cache of records confuses names",
        SessionForEach,
        patch(Application, "__init__", remember_by_short_keys),
    ),
    (
        "a spare is given to each that asks",
        SessionForEach,
        patch(Spare, "_write_claim", lambda spare, session_id, claim: True),
    ),
    (
        "an idempotency key is of no session",
        SessionForEach,
        patch(idempotency, "object_name", key_of_any_session),
    ),
)
