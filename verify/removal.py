"""Remove what a run made."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from code_interpreter_client import CodeInterpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from verify.context import Context
    from verify.ledger import Made

INTERPRETER_SECONDS = 300
# Lambda takes up to 45 minutes to remove a function's network interfaces.
STACK_SECONDS = 3600
# Between two looks; an hour of the short ones would exceed CloudFormation's rate.
POLL_SECONDS, LONGEST_POLL_SECONDS = 0.2, 5.0


class RemovalError(Exception):
    """A thing could not be removed; the message says why."""


def remove(context: Context, made: Made) -> None:
    """Remove a thing, if it exists.

    :raises RemovalError: if it cannot be removed.
    """
    try:
        REMOVALS[made.kind](context, made)
    except (BotoCoreError, ClientError) as error:
        raise RemovalError(str(error)) from error


def stop_session(context: Context, made: Made) -> None:
    """Stop the sandboxes with a name. Their code interpreter may have gone."""
    with suppress(context.data.exceptions.ResourceNotFoundException):
        stop_sandboxes(context, made.place, made.name)


def stop_named_session(context: Context, made: Made) -> None:
    """Stop a session's sandbox through its function, which may have gone with its stack."""
    try:
        context.client("lambda").get_function_configuration(FunctionName=made.place)
    except context.client("lambda").exceptions.ResourceNotFoundException:
        return
    interpreter = CodeInterpreter.from_function(made.place, boto3_session=context.session)
    interpreter.session(made.name).stop()


def delete_code_interpreter(context: Context, made: Made) -> None:
    for interpreter_id in interpreters_named(context, lambda name: name == made.name):
        delete(context, interpreter_id)


def delete_code_interpreters(context: Context, made: Made) -> None:
    """Delete those that a listing did not have yet when they were to be deleted by name."""
    for interpreter_id in interpreters_named(context, lambda name: name.startswith(made.name)):
        delete(context, interpreter_id)


def delete_objects(context: Context, made: Made) -> None:
    s3 = context.client("s3")
    try:
        pages = list(
            s3.get_paginator("list_objects_v2").paginate(Bucket=made.place, Prefix=made.name)
        )
    except s3.exceptions.NoSuchBucket:
        return
    for page in pages:
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=made.place, Key=item["Key"])


def delete_stack(context: Context, made: Made) -> None:
    """Delete a stack, in whatever state it is, and wait for its end."""
    cloudformation = context.client("cloudformation")
    stack = stack_named(cloudformation, made.name)
    if stack is None:
        return
    cloudformation.delete_stack(StackName=made.name)

    def is_over() -> bool:
        found = stack_named(cloudformation, made.name)
        if found and found["StackStatus"] == "DELETE_FAILED":
            reason = found.get("StackStatusReason", "it has no reason")
            raise RemovalError(
                f"{reason}; AgentCore and Lambda keep network interfaces in a VPC for up to 8 "
                "hours: run make verify CLEAN=1 after that"
            )
        return found is None

    wait_until(is_over, STACK_SECONDS, f"the stack {made.name} is still being deleted")


REMOVALS: dict[str, Callable[[Context, Made], None]] = {
    "session": stop_session,
    "named session": stop_named_session,
    "code interpreter": delete_code_interpreter,
    "code interpreters": delete_code_interpreters,
    "objects": delete_objects,
    "stack": delete_stack,
}


def stop_sandboxes(context: Context, interpreter_id: str, name: str | None = None) -> None:
    """Stop the READY sandboxes of a code interpreter, all or those with a name."""
    for item in ready_sandboxes(context, interpreter_id):
        if name in (None, item.get("name")):
            with suppress(context.data.exceptions.ResourceNotFoundException):
                context.data.stop_code_interpreter_session(
                    codeInterpreterIdentifier=interpreter_id, sessionId=item["sessionId"]
                )


def ready_sandboxes(context: Context, interpreter_id: str) -> Iterator[dict[str, Any]]:
    options: dict[str, Any] = {"maxResults": 100, "status": "READY"}
    while True:
        page = context.data.list_code_interpreter_sessions(
            codeInterpreterIdentifier=interpreter_id, **options
        )
        yield from page["items"]
        if not page.get("nextToken"):
            return
        options["nextToken"] = page["nextToken"]


def interpreters_named(context: Context, fits: Callable[[str], bool]) -> list[str]:
    """Return the ids of the code interpreters whose name fits.

    A list may leave out the name: an id is the name, a hyphen and a suffix.
    """
    pages = context.control.get_paginator("list_code_interpreters").paginate(type="CUSTOM")
    ids = [str(item["codeInterpreterId"]) for item in pages.search("codeInterpreterSummaries[]")]
    return [interpreter_id for interpreter_id in ids if fits(interpreter_id.rpartition("-")[0])]


def delete(context: Context, interpreter_id: str) -> None:
    """Delete a code interpreter and its sandboxes, in whatever state it is."""
    errors = context.control.exceptions

    def is_gone() -> bool:
        try:
            status = context.status(interpreter_id)
            if status in ("READY", "CREATE_FAILED", "DELETE_FAILED"):
                stop_sandboxes(context, interpreter_id)
                context.control.delete_code_interpreter(codeInterpreterId=interpreter_id)
        except errors.ConflictException:
            return False
        except errors.ResourceNotFoundException:
            return True
        return False

    wait_until(is_gone, INTERPRETER_SECONDS, f"{interpreter_id} is still there")


def stack_named(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def wait_until(condition: Callable[[], bool], seconds: float, failure: str) -> None:
    ends_at = time.monotonic() + seconds
    pause = POLL_SECONDS
    while not condition():
        if time.monotonic() > ends_at:
            raise RemovalError(f"{failure} after {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_SECONDS)
