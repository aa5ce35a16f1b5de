"""Sessions of the data plane."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from verify.context import SANDBOX_SECONDS, error_code, error_of
from verify.experiment import NotTriedError, Reading, default_of
from verify.ledger import Made
from verify.sandbox import Sandbox

if TYPE_CHECKING:
    from verify.context import Context

TOKEN_SECONDS = 61
TOKEN_LENGTH = 40
ATTEMPTS = 5


def invoke_without_session(context: Context) -> Reading:
    def invoke() -> None:
        response = context.data.invoke_code_interpreter(
            codeInterpreterIdentifier=context.interpreter_id,
            name="executeCode",
            arguments={"code": "1", "language": "python"},
        )
        list(response["stream"])

    code = error_of(invoke)
    return Reading(code or "accept", f"Invoke without a session: {code or 'it ran'}")


def arn_as_identifier(context: Context) -> Reading:
    arn = context.outputs["CodeInterpreterArn"]
    made = Made("session", context.new_name(), context.interpreter_id)
    context.ledger.record(made)
    code = error_of(
        lambda: context.data.start_code_interpreter_session(
            codeInterpreterIdentifier=arn, name=made.name
        )
    )
    context.remove(made)
    return Reading(code is None, f"Start with an ARN: {code or 'it started'}")


def stop_ended_session(context: Context) -> Reading:
    with context.new_sandbox() as sandbox:
        context.stop(sandbox)
        code = error_of(
            lambda: context.data.stop_code_interpreter_session(
                codeInterpreterIdentifier=sandbox.interpreter_id, sessionId=sandbox.session_id
            )
        )
    value = "accept" if code is None else "not_found" if "NotFound" in code else code
    return Reading(value, f"Stop of a stopped session: {code or 'accepted'}")


def client_token(context: Context) -> Reading:
    """Start a session, and start it again with the same token a minute later."""
    made = Made("session", context.new_name(), context.interpreter_id)
    context.ledger.record(made)

    def start() -> str:
        started = context.data.start_code_interpreter_session(
            codeInterpreterIdentifier=context.interpreter_id,
            name=made.name,
            sessionTimeoutSeconds=SANDBOX_SECONDS,
            clientToken=made.name.replace("_", "-").ljust(TOKEN_LENGTH, "0"),
        )
        return str(started["sessionId"])

    first = start()
    context.pass_time(TOKEN_SECONDS)
    second = start()
    context.remove(made)
    is_same = first == second
    return Reading(
        default_of("client_token_seconds") if is_same else TOKEN_SECONDS,
        f"{TOKEN_SECONDS} s later the token {'is known' if is_same else 'starts a new session'}",
    )


def start_while_not_ready(context: Context) -> Reading:
    """Start a session right after Create, again if the code interpreter was READY by then."""
    for _ in range(ATTEMPTS):
        with context.new_interpreter(ready=False) as interpreter_id:
            code = error_of(
                partial(
                    context.data.start_code_interpreter_session,
                    codeInterpreterIdentifier=interpreter_id,
                )
            )
            is_creating = context.status(interpreter_id) == "CREATING"
        if code or is_creating:
            return Reading(code or "accept", f"Start while CREATING: {code or 'it started'}")
    raise NotTriedError("each code interpreter was READY before its Start")


def delete_with_session(context: Context) -> Reading:
    """Delete a code interpreter that has a READY session."""
    with (
        context.new_interpreter() as interpreter_id,
        context.new_sandbox(interpreter_id) as sandbox,
    ):
        code = error_of(
            lambda: context.control.delete_code_interpreter(codeInterpreterId=interpreter_id)
        )
        if code is None:
            return Reading("terminate", f"Delete was accepted; {state(context, sandbox)}")
    value = "conflict" if code == "ConflictException" else code
    return Reading(value, f"Delete with a READY session: {code}")


def state(context: Context, sandbox: Sandbox) -> str:
    """Return the state of a session, for people."""
    try:
        found = context.data.get_code_interpreter_session(
            codeInterpreterIdentifier=sandbox.interpreter_id, sessionId=sandbox.session_id
        )
    except ClientError as error:
        return f"reading its session gives {error_code(error)}"
    return f"its session is {found['status']}"


def delete_while_deleting(context: Context) -> Reading:
    """Delete a code interpreter twice, with another token."""
    for _ in range(ATTEMPTS):
        with context.new_interpreter() as interpreter_id:
            context.control.delete_code_interpreter(codeInterpreterId=interpreter_id)
            code = error_of(
                partial(context.control.delete_code_interpreter, codeInterpreterId=interpreter_id)
            )
        if code != "ResourceNotFoundException":
            value = {None: "accept", "ConflictException": "conflict"}.get(code, code)
            return Reading(value, f"a second Delete: {code or 'accepted'}")
    raise NotTriedError("each code interpreter was gone before its second Delete")
