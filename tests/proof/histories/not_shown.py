"""Generated mutants that no history shows, each with its reason.

Either the mutant does the same, or costs only time, money or requests, or histories lack the case,
and then a unit test has it.
"""

from __future__ import annotations

SAME = "does the same"
COSTS = "costs requests, and has no other effect"
HAS_TEST = "histories do not have the case, but a unit test: "
OLD_RECORDS = HAS_TEST + "test_sweeper.py::test_a_sandbox_stays_that_may_be_in_use"
NO_TASKS = HAS_TEST + "test_sweeper.py::test_a_session_with_a_running_task_is_not_idle"
NO_REPLACEMENT = (
    HAS_TEST + "test_spare.py::"
    "test_it_is_replaced_when_another_stack_has_replaced_the_code_interpreter"
)
CORRECTED = (
    HAS_TEST + "test_idempotency.py::"
    "test_the_key_of_a_refused_request_is_free_for_the_corrected_one"
)
WAITS = (
    HAS_TEST + "test_idempotency.py::"
    "test_a_request_that_never_ended_is_waited_for_until_its_outcome_is_unknown"
)
NOT_RECORDED = (
    HAS_TEST + "test_idempotency.py::"
    "test_a_response_that_could_not_be_recorded_is_given_with_a_warning"
)
TOO_OLD = (
    HAS_TEST + "test_spare.py::test_an_old_one_is_left, "
    "test_after_a_deployment_with_another_session_timeout_it_is_left_and_replaced, "
    "test_after_the_replacement_of_the_code_interpreter_it_is_left_and_replaced"
)
AT_ONCE = (
    HAS_TEST + "test_spare.py::test_one_that_is_retired_at_the_moment_of_a_claim_has_one_owner"
)
# A part of the name of a mutant, and the reason.
NOT_SHOWN: list[tuple[str, str]] = [
    ("is_use_due: `record.idle_limit > 0 and", COSTS),
    ("idle_from: `not record.idle_limit or not record.last_used_at` is false", OLD_RECORDS),
    ("idle_from: `not record.idle_limit or not record.last_used_at` without", OLD_RECORDS),
    ("idle_from: `moment < record.expires_at` is true", COSTS),
    (
        "has_started: `self.is_for_start and self.record.session_id != ''` without "
        "`self.is_for_start`",
        "stops a sandbox that has ended already",
    ),
    (
        "has_started: `self.is_for_start and self.record.session_id != ''` without "
        "`self.record.session_id != ''`",
        "needs a sandbox that ends while it is loaded, and a take-over at the same moment",
    ),
    (
        "is_for_same_sandbox: `record.session_id == self.record.session_id or record.client_token "
        "== self.record.client_token` without `record.session_id",
        HAS_TEST + "test_named.py::"
        "test_a_request_whose_lease_was_taken_over_uses_the_other_ones_sandbox",
    ),
    (
        "is_for_same_sandbox: `record.session_id == self.record.session_id or record.client_token "
        "== self.record.client_token` without `record.client_token",
        "the request that took over starts another sandbox",
    ),
    ("extend: `is_short = ", SAME),
    ("extend: `is_old or is_short` is true", COSTS),
    ("extend: `is_old or is_short` ", HAS_TEST + "test_lease.py"),
    ("extend: without `self._acquire(transfer)`", HAS_TEST + "test_lease.py"),
    (
        "hold: without",
        HAS_TEST + "test_setup.py::test_no_other_request_takes_over_while_a_setup_runs",
    ),
    ("release: `keep_token` is true", "the service refuses no start in histories"),
    ("_acquire: `self._expires_at = ", SAME),
    ("_write: `record.idle_limit` is true", SAME),
    ("Spare.__init__: `self._sessions = ", SAME),
    (
        "without `record.expires_at < needed_until`",
        HAS_TEST + "test_spare.py::test_a_request_takes_none_that_ends_before_its_program",
    ),
    (
        "claim: `self._claim_on(record.session_id) == claim` is false",
        "a sandbox is started, and the upkeep stops the spare",
    ),
    (
        "claim: `not self._is_fresh(record, self._now()) or record.expires_at < needed_until` "
        "without `not self._is_fresh",
        TOO_OLD,
    ),
    ("_is_fresh: ", TOO_OLD),
    (
        "replenish: `record.lease_expires_at > self._now()` is false",
        "a later run takes the start over, with the same token",
    ),
    ("replenish: `record.session_id` is true", COSTS),
    (
        "replenish: `owner.session_id == '' and owner.lease_expires_at > self._now()` is false",
        HAS_TEST + "test_spare.py::test_one_whose_claimer_was_cut_off_is_not_forgotten",
    ),
    (
        "replenish: `owner.session_id == '' and owner.lease_expires_at > self._now()` without "
        "`owner.session_id == ''`",
        "a later run starts the spare",
    ),
    (
        "without `self._is_alive(record)`",
        HAS_TEST + "test_spare.py::test_one_that_has_ended_is_replaced",
    ),
    ("_retire: `self._write_claim(record.session_id, claim)` is true", AT_ONCE),
    (
        "_retire: `self._claim_on(record.session_id) or claim` without `self._claim_on",
        AT_ONCE,
    ),
    ("_retire: `self._claim_on(record.session_id) or claim` without `claim`", SAME),
    ("replenish: `is_fresh = ", SAME),
    ("replenish: `claim or self._retire(record)` without `claim`", COSTS),
    ("_retire: `self._write_claim(record.session_id, claim)` is false", COSTS),
    ("_owner: `claim.session` is true", COSTS),
    (
        "Spare._stop: `record.code_interpreter_id == self._code_interpreter.identifier` is true",
        NO_REPLACEMENT,
    ),
    (
        "_start: `not earlier.session_id and",
        "a record with a sandbox has no token, and no stack replaces the interpreter in histories",
    ),
    ("_start: `is_interrupted` is true", NO_REPLACEMENT),
    ("sweep: without `self._cache.clear()`", "costs memory"),
    ("sweep: `self._cache.clear()` before", COSTS),
    ("sweep: `not idle_limit <= self._now() - written_at", COSTS),
    ("sweep: `read_etag == etag and idle_at >= self._now()` is false", COSTS),
    (
        "sweep: `read_etag == etag and idle_at >= self._now()` without `idle_at >= self._now()`",
        HAS_TEST + "test_sweeper.py::test_a_record_is_read_again_when_its_session_is_idle",
    ),
    (
        "sweep: `self._deadline.remaining() < self._deadline.response_reserve` is false",
        HAS_TEST + "test_sweeper.py::test_a_sweep_ends_before_the_function_does",
    ),
    (
        "_sweep: `record.was_swept and record.session_id` is false",
        HAS_TEST + "test_sweeper.py::test_a_sweep_that_is_cut_off_is_completed_by_a_later_one",
    ),
    ("_sweep: `not is_ready or now <= idle_at` without `not is_ready`", OLD_RECORDS),
    ("_sweep: `idle_at = idle_from(record)` before", SAME),
    ("_sweep: `running` is false", NO_TASKS),
    ("_sweep: without `self._store.write(session, used, stored.etag)`", NO_TASKS),
    ("Sweeper._stop: `forgotten = ", SAME),
    (
        "Sweeper._stop: without `self._store.write(session, forgotten",
        "the next request or sweep completes it, as a sweep that was cut off",
    ),
    ("IdempotencyKey.__init__: `self._fingerprint = ", SAME),
    (
        "(record.fingerprint != self._fingerprint)` without `record is not None`",
        SAME,
    ),
    ("(record.fingerprint != self._fingerprint)` without `not is_free`", CORRECTED),
    ("or record.status is RecordStatus.NOT_STARTED` without `record.status", CORRECTED),
    (
        "recorded_response: `record is not None and record.owner == self._owner` is false",
        HAS_TEST + "test_idempotency.py::"
        "test_the_response_of_a_recorded_write_that_was_lost_is_recognised",
    ),
    ("recorded_response: `pause = min(", "begins with a longer pause"),
    (
        "record: `is_recorded` is false",
        HAS_TEST + "test_idempotency.py::"
        "test_a_recorded_response_whose_receipt_was_lost_is_recorded",
    ),
    ("record: `is_recorded` is true", NOT_RECORDED),
    ("_write_end: `record is not None and", NOT_RECORDED),
    ("_wait: without `self._sleep(pause)`", COSTS),
    ("_wait: `self._now() > ends_at` is false", WAITS),
    ("_wait: `self._deadline.remaining() < pause + MIN_TIME_LEFT` is false", WAITS),
]


def reason(name: str) -> str | None:
    """Return why no history shows a mutant, or None."""
    return next((why for pattern, why in NOT_SHOWN if pattern in name), None)
