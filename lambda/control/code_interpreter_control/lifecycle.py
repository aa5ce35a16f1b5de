"""The rules by which code interpreters come, change and go. Nothing here knows AWS's clients."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any, Protocol

from .errors import DeadlineExceededError, LifecycleError, ServiceError
from .event import CONFIGURATION_TAG, NOT_CREATED, Request
from .polling import Clock

log = logging.getLogger(__name__)

# What the API model calls the id of a custom code interpreter. The AWS-managed one has another
# form, and CloudFormation invents ids of yet another form for what it never saw created.
ID_PATTERN = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}")

# Seconds of the function's time that are kept for the answer, and for undoing a creation.
RESPONSE_SECONDS = 20.0
UNDO_SECONDS = 240.0
# New roles and policies are not known everywhere at once; creations wait this long for it.
IAM_PROPAGATION_SECONDS = 120.0
# Reads in a row that may not find a code interpreter which was just created, or may be denied:
# the permission to read it depends on a tag, and is as new as the function's role.
MAX_MISSES = 10

# What has not been ready has no sessions, and the data plane need not know it.
NEVER_READY = ("CREATING", "CREATE_FAILED")


class CodeInterpreters(Protocol):
    """What the rules need of AWS; `clients.CodeInterpreters` has it."""

    def create(self, parameters: dict[str, Any]) -> dict[str, Any]: ...
    def get(self, interpreter_id: str) -> dict[str, Any] | None: ...
    def all(self) -> Iterator[dict[str, Any]]: ...
    def delete(self, interpreter_id: str, *, token: str) -> None: ...
    def tags(self, arn: str) -> dict[str, str]: ...
    def tag(self, arn: str, tags: dict[str, str]) -> None: ...
    def untag(self, arn: str, keys: list[str]) -> None: ...
    def live_sessions(self, interpreter_id: str) -> Iterator[str]: ...
    def stop_session(self, interpreter_id: str, session_id: str) -> None: ...


class Lifecycle:
    """Carries out one request.

    Every rule starts from what exists, not from what an earlier run may have reached, so a
    request can be repeated at any point.
    """

    def __init__(self, request: Request, code_interpreters: CodeInterpreters, clock: Clock) -> None:
        self._request = request
        self._all = code_interpreters
        self._clock = clock.with_reserve(RESPONSE_SECONDS)

    def create(self) -> dict[str, Any]:
        """A new code interpreter that is ready, or nothing and the reason."""
        return self._make()

    def update(self) -> dict[str, Any]:
        """The code interpreter as it is wanted now: the same one, or a new one to take its place.

        Once CloudFormation knows a new id, it asks for the old one's deletion.
        """
        request = self._request
        current = self._usable(request.physical_id)
        if current is not None and self._is_as_wanted(current):
            self._update_tags(current)
        else:
            if current is not None and current["name"] == request.spec.name:
                raise LifecycleError(
                    f"cannot change code interpreter {request.spec.name}, because a new one "
                    "has to take its place and its name is taken until then; change Name, too, "
                    "or remove it to have names generated",
                    code="NameTaken",
                )
            current = self._made_before() or self._make()
        self._remove_leftovers()
        return current

    def delete(self) -> None:
        """No such code interpreter. One whose id was never reported is found by its tags."""
        if ID_PATTERN.fullmatch(self._request.physical_id):
            self._remove(self._request.physical_id)
        elif self._request.physical_id.startswith(NOT_CREATED):
            # A finished one is from another time: it was retained when it left the stack.
            self._remove_unfinished()
        else:
            for summary, _ in self._owned():
                self._remove(summary["codeInterpreterId"])

    def _make(self) -> dict[str, Any]:
        interpreter_id = self._send_create()
        try:
            current = self._wait_until_ready(interpreter_id, self._clock.with_reserve(UNDO_SECONDS))
            self._settle(current)
        except LifecycleError as failure:
            raise self._undo(interpreter_id, failure) from failure
        return current

    def _send_create(self) -> str:
        request = self._request
        parameters = {
            **request.spec.parameters,
            "name": request.new_name,
            # The id of the request, so that a repetition of this request gets the same one again.
            "clientToken": request.request_id,
            "tags": {**request.spec.tags, **request.owner_tags},
        }
        failure: LifecycleError = DeadlineExceededError()
        try:
            for _ in self._clock.limited_to(IAM_PROPAGATION_SECONDS).poll():
                try:
                    return str(self._all.create(parameters)["codeInterpreterId"])
                except ServiceError as error:
                    failure = error
                    if not may_be_iam_propagation(error):
                        break
        except DeadlineExceededError:
            pass
        raise failure

    def _settle(self, current: dict[str, Any]) -> None:
        """Mark it as finished, and with what it was made of; without the mark it is a leftover."""
        configuration = self._request.spec.configuration_digest
        self._all.tag(current["codeInterpreterArn"], {CONFIGURATION_TAG: configuration})

    def _wait_until_ready(self, interpreter_id: str, clock: Clock) -> dict[str, Any]:
        """Read READY twice in a row: reads after a creation are not always of the same state."""
        ready = misses = 0
        for _ in clock.poll():
            try:
                current = self._all.get(interpreter_id)
            except ServiceError as error:
                if not error.is_denied or misses + 1 == MAX_MISSES:
                    raise
                current = None
            status = "gone" if current is None else current["status"]
            ready = ready + 1 if status == "READY" else 0
            misses = misses + 1 if status == "gone" else 0
            if current is not None and ready == 2:
                return current
            if status not in ("READY", "CREATING", "gone") or misses == MAX_MISSES:
                raise LifecycleError(
                    f"code interpreter {interpreter_id} is {status}: {failure_reason(current)}",
                    code=status,
                )
        raise DeadlineExceededError

    def _undo(self, interpreter_id: str, failure: LifecycleError) -> LifecycleError:
        """Remove what a failed creation left. CloudFormation's deletion of `id` is a second try."""
        try:
            self._remove(interpreter_id)
        except LifecycleError as error:
            return LifecycleError(
                f"{failure}; removing it failed as well: {error}",
                code=failure.code,
                physical_id=interpreter_id,
            )
        return LifecycleError(str(failure), code=failure.code, physical_id=interpreter_id)

    def _remove(self, interpreter_id: str) -> None:
        asked = False
        refusal: ServiceError | None = None
        try:
            for _ in self._clock.poll():
                current = self._all.get(interpreter_id)
                status = "DELETED" if current is None else current["status"]
                if status == "DELETED":
                    return
                if status == "DELETE_FAILED" and asked:
                    raise LifecycleError(
                        f"code interpreter {interpreter_id} cannot be deleted: "
                        f"{failure_reason(current)}",
                        code=status,
                    )
                # After it was asked for, a deletion can still read as READY for a while.
                if not asked and status != "DELETING":
                    refusal = self._ask_for_deletion(interpreter_id, status)
                    asked = refusal is None
        except DeadlineExceededError:
            raise refusal or DeadlineExceededError() from None

    def _ask_for_deletion(self, interpreter_id: str, status: str) -> ServiceError | None:
        """Stop the sessions and delete; the answer is why that has to be tried again."""
        try:
            if status not in NEVER_READY:
                for session_id in list(self._all.live_sessions(interpreter_id)):
                    self._all.stop_session(interpreter_id, session_id)
            self._all.delete(interpreter_id, token=self._request.deletion_token(interpreter_id))
        except ServiceError as error:
            if error.is_conflict or (status == "CREATING" and error.is_invalid):
                return error
            raise
        return None

    def _usable(self, interpreter_id: str) -> dict[str, Any] | None:
        current = self._all.get(interpreter_id)
        return current if current is not None and current["status"] == "READY" else None

    def _is_as_wanted(self, current: dict[str, Any]) -> bool:
        """Whether it can stay.

        The tag says what it was really made of, which after a failed update is not what
        CloudFormation calls the previous properties.
        """
        wanted = self._request.spec.configuration_digest
        if wanted == self._request.previous_spec.configuration_digest:
            return True
        return self._all.tags(current["codeInterpreterArn"]).get(CONFIGURATION_TAG) == wanted

    def _made_before(self) -> dict[str, Any] | None:
        """The predecessor, when a rollback returns to it before it was deleted."""
        for summary, tags in self._owned():
            if tags.get(CONFIGURATION_TAG) == self._request.spec.configuration_digest:
                current = self._usable(summary["codeInterpreterId"])
                if current is not None:
                    self._update_tags(current)
                    return current
        return None

    def _update_tags(self, current: dict[str, Any]) -> None:
        """Set what is wanted, and remove what only the previous template wanted."""
        arn = current["codeInterpreterArn"]
        present = self._all.tags(arn)
        wanted = self._request.all_tags
        changed = {key: value for key, value in wanted.items() if present.get(key) != value}
        dropped = sorted(set(self._request.previous_spec.tags) & set(present) - set(wanted))
        if dropped:
            self._all.untag(arn, dropped)
        if changed:
            self._all.tag(arn, changed)

    def _remove_leftovers(self) -> None:
        """Remove what a failed update could not remove. Failing again does not fail this one."""
        try:
            self._remove_unfinished()
        except LifecycleError as failure:
            log.warning("a leftover stays: %s", failure.code)

    def _remove_unfinished(self) -> None:
        for summary, tags in self._owned():
            if CONFIGURATION_TAG not in tags:
                self._remove(summary["codeInterpreterId"])

    def _owned(self) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
        """The code interpreters that this resource has made, with their tags."""
        for summary in list(self._all.all()):
            name = summary["codeInterpreterId"].rpartition("-")[0]
            if self._request.spec.could_have_created(
                name
            ) or self._request.previous_spec.could_have_created(name):
                tags = self._all.tags(summary["codeInterpreterArn"])
                if self._request.owns(tags):
                    yield summary, tags


def failure_reason(current: dict[str, Any] | None) -> str:
    return str((current or {}).get("failureReason", "AWS gave no reason"))


def may_be_iam_propagation(error: ServiceError) -> bool:
    """Whether the failure can come from a role or policy that was made a moment ago."""
    return error.is_denied or (
        error.is_invalid and "role validation failed" in error.message.lower()
    )
