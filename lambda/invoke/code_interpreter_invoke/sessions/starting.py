"""The start of a sandbox: of a session, or of the warm spare."""

from __future__ import annotations

from ..clients import CodeInterpreterClient
from ..sandbox.observer import Observer
from ..sandbox.sandbox import Sandbox
from .store import SessionOptions, SessionRecord


def start_sandbox(
    record: SessionRecord,
    code_interpreter: CodeInterpreterClient,
    name: str,
    default_options: SessionOptions,
) -> SessionRecord:
    """Start a sandbox, and return the record with its id, its end and its options."""
    options = record.options or default_options
    session = code_interpreter.start_session(client_token=record.client_token, name=name, **options)
    return record._replace(
        code_interpreter_id=code_interpreter.identifier,
        session_id=session.session_id,
        expires_at=session.created_at.timestamp() + options["sessionTimeoutSeconds"],
        options=options,
    )


def prepare_sandbox(
    record: SessionRecord, code_interpreter: CodeInterpreterClient
) -> SessionRecord:
    """Install the observer in a sandbox that nobody has used, and return the record with it."""
    sandbox = Sandbox(code_interpreter, record.session_id, environment=record.environment)
    observer = Observer.of_secret(record.client_token)
    sandbox.prepare(observer, observed=record.observer != "")
    return record._replace(
        initial_entries=sandbox.own_entries,
        observer=sandbox.observer.mark if sandbox.observer else "",
    )
