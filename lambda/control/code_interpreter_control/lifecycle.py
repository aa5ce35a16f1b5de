"""The rules by which code interpreters are created, updated, replaced and deleted."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator

from .code_interpreters import CodeInterpreter, CodeInterpreters, Status
from .errors import DeadlineExceededError, LifecycleError, ServiceError
from .event import CONFIGURATION_TAG, NOT_CREATED, CustomResourceRequest
from .polling import Clock

log = logging.getLogger(__name__)

# The API model's pattern for the id of a custom code interpreter. The id of the AWS-managed code
# interpreter does not match it, nor do the ids that CloudFormation makes up for resources whose
# creation it was never told of.
ID_PATTERN = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,47}-[a-zA-Z0-9]{10}")

# Seconds of the function's time that are reserved for the response, and for undoing a creation.
RESPONSE_SECONDS = 20.0
UNDO_SECONDS = 240.0
# Seconds for which a creation waits until IAM has propagated a new role or policy; users report up
# to 322. The local AWS, whose IAM has no delay, sets fewer.
IAM_WAIT_SECONDS = float(os.environ.get("IAM_WAIT_SECONDS", "400"))
# Parts of the messages with which the service refuses an execution role. Both pass once IAM has
# propagated its trust and its policies: Terraform's provider retries the first; users of AgentCore
# Runtime saw the second seconds after they had written a policy for a file system.
ROLE_REFUSALS = ("role validation failed", "missing required permissions")
# Reads in a row that may miss a code interpreter that was just created. AWS can deny them, too:
# the permission to read depends on a tag, and is as new as the function's role.
MAX_MISSES = 10

# Before it has been READY, a code interpreter has no sessions and can be unknown to the data plane.
NEVER_READY = (Status.CREATING, Status.CREATE_FAILED)


class Lifecycle:
    """Carries out a request.

    Every rule starts from the code interpreters that exist, and from nothing that an earlier run
    may have reached, so a request can be repeated at any point.
    """

    def __init__(
        self, request: CustomResourceRequest, interpreters: CodeInterpreters, clock: Clock
    ) -> None:
        self._request = request
        self._interpreters = interpreters
        self._clock = clock.with_reserve(RESPONSE_SECONDS)

    def create(self) -> CodeInterpreter:
        """Create a code interpreter, wait until it is ready, and return it.

        :raises LifecycleError: if the creation fails; its code interpreter is removed before.
        """
        interpreter_id = self._send_create()
        try:
            clock = self._clock.with_reserve(UNDO_SECONDS)
            interpreter = self._wait_until_ready(interpreter_id, clock)
            self._mark_finished(interpreter)
        except LifecycleError as error:
            raise self._undo(interpreter_id, error) from error
        return interpreter

    def update(self) -> CodeInterpreter:
        """Return the code interpreter with its new tags, or a replacement for it.

        When CloudFormation learns a new id, it asks for the deletion of the old one.
        """
        spec = self._request.spec
        current = self._get_ready(self._request.physical_id)
        if current is not None and self._matches_spec(current):
            self._update_tags(current)
        else:
            if current is not None and current.name == spec.name:
                raise LifecycleError(
                    f"cannot change code interpreter {spec.name}, because it has to be replaced "
                    "and its name is taken until the replacement exists; change Name, too, or "
                    "remove it to have names generated",
                    code="NameTaken",
                )
            current = self._restore_predecessor() or self.create()
        self._remove_leftovers()
        return current

    def delete(self) -> None:
        """Delete the code interpreter; find it by its tags if CloudFormation has no id of it."""
        physical_id = self._request.physical_id
        if ID_PATTERN.fullmatch(physical_id):
            self._remove(physical_id)
        elif physical_id.startswith(NOT_CREATED):
            # Keep finished ones: an earlier stack operation retained them.
            self._remove_unfinished()
        else:
            for interpreter, _ in self._owned():
                self._remove(interpreter.id)

    def _send_create(self) -> str:
        request = self._request
        parameters = {
            **request.spec.parameters,
            "name": request.new_name,
            # With the request's id as its token, a repeated run gets the same code interpreter.
            "clientToken": request.request_id,
            "tags": {**request.spec.tags, **request.owner_tags},
        }
        failure: LifecycleError = DeadlineExceededError()
        clock = self._clock.with_reserve(UNDO_SECONDS).limited_to(IAM_WAIT_SECONDS)
        try:
            for _ in clock.poll():
                try:
                    return self._interpreters.create(parameters)
                except ServiceError as error:
                    failure = error
                    if not may_be_iam_propagation(error):
                        break
                    log.warning(
                        "%s: IAM may not have propagated the role or policy yet; waiting for it, "
                        "for up to %.0f seconds more",
                        error.code,
                        clock.left(),
                    )
        except DeadlineExceededError:
            pass
        raise failure

    def _wait_until_ready(self, interpreter_id: str, clock: Clock) -> CodeInterpreter:
        """Return the code interpreter once two reads in a row have found it READY.

        Reads soon after a creation can return an older state than the read before.
        """
        ready = misses = 0
        for _ in clock.poll():
            denial: ServiceError | None = None
            interpreter: CodeInterpreter | None = None
            try:
                interpreter = self._interpreters.get(interpreter_id)
            except ServiceError as error:
                if not error.is_denied:
                    raise
                denial = error
            if interpreter is None:
                ready, misses = 0, misses + 1
                if misses == MAX_MISSES:
                    raise denial or LifecycleError(
                        f"code interpreter {interpreter_id} is gone: AWS gave no reason",
                        code="gone",
                    )
                continue
            misses = 0
            ready = ready + 1 if interpreter.status == Status.READY else 0
            if ready == 2:
                return interpreter
            if interpreter.status not in (Status.READY, Status.CREATING):
                raise LifecycleError(
                    f"code interpreter {interpreter_id} is {interpreter.status}: "
                    f"{interpreter.failure_reason}",
                    code=interpreter.status,
                )
        raise DeadlineExceededError

    def _mark_finished(self, interpreter: CodeInterpreter) -> None:
        """Set the tag with the digest; a code interpreter without it counts as a leftover."""
        digest = self._request.spec.configuration_digest
        self._interpreters.tag(interpreter.arn, {CONFIGURATION_TAG: digest})

    def _undo(self, interpreter_id: str, failure: LifecycleError) -> LifecycleError:
        """Remove the code interpreter of a failed creation, and return the failure to report.

        The failure has the id, so that CloudFormation's deletion of it is a second attempt.
        """
        message = str(failure)
        try:
            self._remove(interpreter_id)
        except LifecycleError as error:
            message = f"{failure}; removing it failed as well: {error}"
        return LifecycleError(message, code=failure.code, physical_id=interpreter_id)

    def _remove(self, interpreter_id: str) -> None:
        """Delete a code interpreter, and wait until it is gone."""
        is_requested = False
        refusal: ServiceError | None = None
        try:
            for _ in self._clock.poll():
                interpreter = self._interpreters.get(interpreter_id)
                if interpreter is None or interpreter.status == Status.DELETED:
                    return
                if interpreter.status == Status.DELETE_FAILED and is_requested:
                    raise LifecycleError(
                        f"code interpreter {interpreter_id} cannot be deleted: "
                        f"{interpreter.failure_reason}",
                        code=interpreter.status,
                    )
                # Reads can return READY for a while after the deletion was requested.
                if not is_requested and interpreter.status != Status.DELETING:
                    refusal = self._request_deletion(interpreter)
                    is_requested = refusal is None
        except DeadlineExceededError:
            raise refusal or DeadlineExceededError() from None

    def _request_deletion(self, interpreter: CodeInterpreter) -> ServiceError | None:
        """Stop the sessions and request the deletion; return a refusal that may pass with time."""
        token = self._request.deletion_token(interpreter.id)
        try:
            if interpreter.status not in NEVER_READY:
                for session_id in list(self._interpreters.live_sessions(interpreter.id)):
                    self._interpreters.stop_session(interpreter.id, session_id)
            self._interpreters.delete(interpreter.id, token=token)
        except ServiceError as error:
            is_creating = interpreter.status == Status.CREATING
            if error.is_conflict or (is_creating and error.is_invalid):
                return error
            raise
        return None

    def _get_ready(self, interpreter_id: str) -> CodeInterpreter | None:
        """Return the code interpreter if it exists and is READY."""
        interpreter = self._interpreters.get(interpreter_id)
        is_ready = interpreter is not None and interpreter.status == Status.READY
        return interpreter if is_ready else None

    def _matches_spec(self, interpreter: CodeInterpreter) -> bool:
        """Return whether the code interpreter can stay.

        Its tag holds the digest of the properties from which it was created. After a failed
        update these can differ from the previous properties in CloudFormation's request.
        """
        digest = self._request.spec.configuration_digest
        if digest == self._request.previous_spec.configuration_digest:
            return True
        return self._interpreters.tags(interpreter.arn).get(CONFIGURATION_TAG) == digest

    def _restore_predecessor(self) -> CodeInterpreter | None:
        """Return the predecessor, with its tags, if a rollback needs it and it still exists."""
        for owned, tags in self._owned():
            if tags.get(CONFIGURATION_TAG) == self._request.spec.configuration_digest:
                interpreter = self._get_ready(owned.id)
                if interpreter is not None:
                    self._update_tags(interpreter)
                    return interpreter
        return None

    def _update_tags(self, interpreter: CodeInterpreter) -> None:
        """Set the tags of the template, and remove those that only the previous template had."""
        present = self._interpreters.tags(interpreter.arn)
        tags = self._request.all_tags
        changed = {key: value for key, value in tags.items() if present.get(key) != value}
        dropped = sorted(set(self._request.previous_spec.tags) & set(present) - set(tags))
        if dropped:
            self._interpreters.untag(interpreter.arn, dropped)
        if changed:
            self._interpreters.tag(interpreter.arn, changed)

    def _remove_leftovers(self) -> None:
        """Remove what earlier updates could not remove; a further failure does not matter here."""
        try:
            self._remove_unfinished()
        except LifecycleError as error:
            log.warning("cannot remove a leftover code interpreter: %s", error.code)

    def _remove_unfinished(self) -> None:
        for interpreter, tags in self._owned():
            if CONFIGURATION_TAG not in tags:
                self._remove(interpreter.id)

    def _owned(self) -> Iterator[tuple[CodeInterpreter, dict[str, str]]]:
        """Return the code interpreters that this resource has created, with their tags."""
        specs = (self._request.spec, self._request.previous_spec)
        for interpreter in list(self._interpreters.all()):
            if any(spec.could_have_created(interpreter.name) for spec in specs):
                tags = self._interpreters.tags(interpreter.arn)
                if self._request.owns(tags):
                    yield interpreter, tags


def may_be_iam_propagation(error: ServiceError) -> bool:
    """Return whether the cause can be a role or policy that IAM has not propagated yet."""
    message = error.message.lower()
    return error.is_denied or (error.is_invalid and any(text in message for text in ROLE_REFUSALS))
