"""Find what a history contradicts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from code_interpreter_invoke.sessions.spare import FRESH_PART
from tests.fakes.s3 import PREFIX

from .services import ATTEMPTS
from .simulation import NEW, Call, History

# A response that says that nothing of its request ran.
NOTHING_RAN = ("NotStarted", "InvalidRequest", "NotFound")
# Seconds that a request takes at most, with all that is sent again.
LONG = 100.0
# Seconds between two runs of the upkeep, and some that a run takes.
UPKEEP = 100.0
PROGRAMS = ("program", "keyed", "save", "none")


def contradictions(history: History) -> list[str]:
    """Return a sentence for each claim that the history contradicts."""
    return [
        *runs_at_most_once(history),
        *responses_are_true(history),
        *replays_are_the_response(history),
        *unknown_outcomes_have_a_cause(history),
        *logs_agree(history),
        *losses_are_said(history),
        *uploads_are_there(history),
        *saved_files_are_there(history),
        *one_sandbox_for_a_name(history),
        *each_sandbox_is_prepared_once(history),
        *only_idle_sandboxes_are_swept(history),
        *requests_stop_no_used_sandbox(history),
        *nobody_waits_without_a_cause(history),
        *everybody_gets_a_response(history),
        *restarts_are_said_once(history),
        *keys_are_of_a_request(history),
        *keys_are_free_while_nothing_ran(history),
        *nothing_idle_lives(history),
        *there_is_a_spare(history),
        *spares_are_kept(history),
    ]


def error_type(call: Call) -> str:
    return call.response["error"]["type"] if call.response and "error" in call.response else ""


def runs_at_most_once(history: History) -> Iterator[str]:
    """Check it of every program; without a key it is sent once."""
    for program, times in Counter(run.id for run in history.runs).items():
        if times > 1:
            yield f"{program} ran {times} times"


def responses_are_true(history: History) -> Iterator[str]:
    ran = {run.id for run in history.runs}
    began = {run.invocation for run in history.runs}
    for call in history.calls:
        if call.response is None:
            continue
        is_refused = error_type(call) == "InvalidRequest" and call.kind != "other"
        if "failed unexpectedly" in str(call.response) or is_refused:
            yield f"{call.name}: {call.response['error']['message']}"
        if call.kind not in PROGRAMS:
            continue
        program = call.event["code"].split()[1]
        if call.response["status"] == "ok":
            printed = call.printed
            if program not in ran:
                yield f"{call.name} said ok, and {program} did not run"
            elif printed is None or printed["log"][-1] != program:
                yield f"{call.name} said ok with the output of another program"
        elif error_type(call) in NOTHING_RAN and call.name in began:
            yield f"{call.name} said {error_type(call)}, and the program ran"


def replays_are_the_response(history: History) -> Iterator[str]:
    """Check that all final responses to a key are the same."""
    final: dict[str, list[Call]] = defaultdict(list)
    for call in history.calls:
        if call.kind == "keyed" and call.response and call.response["status"] == "ok":
            final[call.event["idempotency_key"]].append(call)
    for calls in final.values():
        for one, other in combinations(calls, 2):
            if plain(one) != plain(other):
                yield f"{one.name} and {other.name} have one key and different responses"


def plain(call: Call) -> dict[str, object]:
    return {
        name: value
        for name, value in (call.response or {}).items()
        if name not in ("replayed", "warnings")
    }


def unknown_outcomes_have_a_cause(history: History) -> Iterator[str]:
    """Check that no outcome is unknown without a fault or a stop by a caller."""
    stops = [call for call in history.calls if call.kind == "stop"]
    for call in history.calls:
        if error_type(call) not in ("OutcomeUnknown", "TimedOut"):
            continue
        # A key has the outcome of another request, which anything may have delayed.
        if call.kind == "keyed" and (history.faults or stops or has_long_programs(history)):
            continue
        caused = any(place.rpartition("/")[0] == call.name for place in history.faults)
        stopped = any(stop.session == call.session and overlap(stop, call) for stop in stops)
        sandboxes = [run.sandbox for run in history.runs if run.invocation == call.name]
        sandbox = history.sandboxes[sandboxes[-1]] if sandboxes else None
        if sandbox is not None and sandbox.ended_by.startswith("upkeep") and not caused:
            yield f"{call.name} ran in a sandbox that the sweeper stopped"
        ended = sandbox is not None and (
            sandbox.ended_by != "" or sandbox.expires_at <= end_of(call)
        )
        if not (caused or stopped or ended) and not was_long(call):
            yield f"{call.name} said {error_type(call)} without a cause"


def was_long(call: Call) -> bool:
    """Tell whether another program kept the kernel busy for the whole time of a request."""
    return end_of(call) - call.began_at > 600


def end_of(call: Call) -> float:
    return call.ended_at or float("inf")


def overlap(one: Call, other: Call) -> bool:
    return one.began_at <= end_of(other) and other.began_at <= end_of(one)


def logs_agree(history: History) -> Iterator[str]:
    """Check that a kernel's log only grows, by programs of its own session."""
    sent: dict[str, str | None] = {
        call.event["code"].split()[1]: call.session
        for call in history.calls
        if call.kind in (*PROGRAMS, "other")
    }
    logs: dict[str, list[tuple[Call, list[str]]]] = defaultdict(list)
    for call in history.calls:
        printed = call.printed
        if printed is None or call.response is None:
            continue
        if len(set(printed["log"])) < len(printed["log"]):
            yield f"{call.name} shows a program twice"
        for program in printed["log"]:
            if sent[program] != call.session or (call.session is None and len(printed["log"]) > 1):
                yield f"{call.name} of {call.session} shows {program} of {sent[program]}"
        logs[call.response.get("session_id", call.name)].append((call, printed["log"]))
    for shown in logs.values():
        for (one, first), (other, second) in combinations(shown, 2):
            shorter, longer = sorted((first, second), key=len)
            if longer[: len(shorter)] != shorter:
                yield f"{one.name} and {other.name} show logs of one sandbox that contradict"


def losses_are_said(history: History) -> Iterator[str]:
    """Check that a program that a later one of its session does not see is said to be lost."""
    seen = [call for call in history.calls if call.session and call.printed is not None]
    seen = [call for call in seen if not (call.response or {}).get("replayed")]
    written = [
        call
        for call in history.calls
        if call.kind == "write" and call.response and call.response["status"] == "ok"
    ]
    for later in seen:
        assert later.printed is not None
        assert later.response is not None
        if says_loss(later):
            continue
        for earlier in [*seen, *written]:
            if earlier.session != later.session or end_of(earlier) >= later.began_at:
                continue
            program = earlier.event.get("path") or f"{earlier.event['code'].split()[1]}.txt"
            if program in later.printed["files"]:
                continue
            if not any(
                is_notice(call)
                for call in history.calls
                if call.session == later.session
                and end_of(call) >= earlier.began_at
                and call.began_at <= end_of(later)
            ):
                yield f"{later.name} lost {program} of {earlier.name}, and nobody was told"


def says_loss(call: Call) -> bool:
    return bool(call.response and call.response.get("session_restarted"))


def is_notice(call: Call) -> bool:
    """Tell whether a caller was told of a loss, caused it, or had no response to be told in."""
    return (
        says_loss(call)
        or call.kind == "stop"
        or call.response is None
        or "stopped" in str(call.response.get("error", ""))
    )


def uploads_are_there(history: History) -> Iterator[str]:
    for call in history.calls:
        printed = call.printed
        if printed is None or (call.response or {}).get("replayed"):
            continue
        for session, path, content, moment in history.uploads:
            is_older = session == call.session and moment < call.began_at
            if is_older and printed["files"].get(path) != content:
                yield f"{call.name} does not have the upload {path}"


def saved_files_are_there(history: History) -> Iterator[str]:
    for call in history.calls:
        for name in (call.response or {}).get("files_saved", []):
            key = f"{PREFIX}/{call.session}/{name}"
            if history.objects.get(key) != call.event["code"].split()[1].encode():
                yield f"{call.name} said that it saved {name}"


def one_sandbox_for_a_name(history: History) -> Iterator[str]:
    """Check that at rest each session has the sandbox of its last response, beside one spare."""
    last = {call.session: call for call in history.calls if call.name.startswith("last.")}
    own: dict[str, str | None] = {}
    for session, call in last.items():
        if call.response is None or call.response["status"] != "ok":
            yield f"{call.name}, without faults: {call.response}"
        else:
            own[call.response["session_id"]] = session
    spares = [box for box in history.alive if box.name == "warm-spare" and box.id not in own]
    if len(spares) > 1:
        yield f"{len(spares)} spares live"
    for sandbox in history.alive:
        if sandbox.id in own or sandbox.name == "warm-spare":
            continue
        if sandbox.name.startswith("call-"):
            if not is_excused_orphan(history):
                yield f"{sandbox.id} of a request without a session lives"
            continue
        yield f"{sandbox.id} of session {sandbox.name} lives beside its sandbox"


def is_excused_orphan(history: History) -> bool:
    """Tell whether the request of a sandbox without a name met a fault: the sandbox expires."""
    without = {call.name for call in history.calls if call.kind == "none"}
    return any(place.rpartition("/")[0] in without for place in history.faults)


def each_sandbox_is_prepared_once(history: History) -> Iterator[str]:
    """Check that requests that come at once leave the preparation to one of them."""
    if history.faults:
        return
    prepared = Counter(about for _, _, _, about, _ in history.requests if "Observer in" in about)
    for about, times in prepared.items():
        if times > 1:
            yield f"{about} {times} times"


def nobody_waits_without_a_cause(history: History) -> Iterator[str]:
    """Check that no request waits long where nothing is slow, dies or is refused for now.

    A request that fails as often as it is sent may also fail to give up its lease.
    """
    met = set(history.faults.values())
    if (
        has_long_programs(history)
        or has_failed(history)
        or met & {"slow", "refused", "dies before", "dies after"}
    ):
        return
    for call in history.calls:
        if call.ended_at - call.began_at > LONG:
            yield f"{call.name} took {call.ended_at - call.began_at:.0f} seconds"


def only_idle_sandboxes_are_swept(history: History) -> Iterator[str]:
    """Check that the upkeep stops no sandbox that was used in the last quarter of the limit.

    A request writes at most each quarter that it uses the sandbox, and may then be slow.
    """
    recent = history.plan.idle_limit / 4
    for sandbox in history.sandboxes.values():
        if not sandbox.ended_by.startswith("upkeep") or sandbox.ended_at is None:
            continue
        for run in history.runs:
            if run.sandbox == sandbox.id and 0 <= sandbox.ended_at - run.began_at < recent:
                yield f"{sandbox.id} was swept soon after {run.id} began"
        for moment, actor, _, about, fault in history.requests:
            is_write = about.endswith(f".txt in {sandbox.id}") and fault in (None, "lost")
            if is_write and 0 <= sandbox.ended_at - moment < recent:
                yield f"{sandbox.id} was swept soon after {actor} wrote"


def has_long_programs(history: History) -> bool:
    return any(one.takes > 1 for many in history.plan.clients for one in many)


def everybody_gets_a_response(history: History) -> Iterator[str]:
    """Check that a request ends in time, unless its instance dies or a service is slow.

    The simulation cannot end the wait for a program when its time is up.
    """
    if has_long_programs(history):
        return
    excused = {
        place.split()[0].partition("/")[0]
        for place, fault in history.faults.items()
        if "dies" in fault or fault == "slow"
    }
    for call in history.calls:
        if call.response is None and call.name not in excused:
            yield f"{call.name} got no response"


def restarts_are_said_once(history: History) -> Iterator[str]:
    """Check that no restart is said of a sandbox that an earlier response had."""
    for call in history.calls:
        response = call.response or {}
        if not says_loss(call) or response.get("replayed"):
            continue
        for earlier in history.calls:
            if end_of(earlier) < call.began_at and (earlier.response or {}).get(
                "session_id", ""
            ) == response.get("session_id"):
                yield f"{call.name} said the restart of {earlier.name} again"


def keys_are_of_a_request(history: History) -> Iterator[str]:
    """Check that a used key is refused to another request, whose program does not run."""
    for call in history.calls:
        if call.kind == "other" and error_type(call) != "InvalidRequest":
            yield f"{call.name} has the key of another request: {call.response}"


def keys_are_free_while_nothing_ran(history: History) -> Iterator[str]:
    """Check that a request whose key has not been used runs, once there are no faults.

    After a lost response, a request does not know that it has used its key.
    """
    lost = {place.partition("/")[0] for place, fault in history.faults.items() if fault == "lost"}
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in history.calls:
        if call.kind == "keyed":
            calls[call.event["idempotency_key"]].append(call)
    for *earlier, last in calls.values():
        if error_type(last) == "NotStarted":
            yield f"{last.name}, without faults: {last.response}"
        is_free = all(
            error_type(call) == "NotStarted"
            and "warnings" not in (call.response or {})
            and call.name not in lost
            for call in earlier
        )
        if is_free and error_type(last):
            yield f"{last.name}, of which nothing ran: {last.response}"


def nothing_idle_lives(history: History) -> Iterator[str]:
    """Check that at rest the sweeper has stopped every session's sandbox."""
    if history.plan.idle_limit:
        own = {(call.response or {}).get("session_id") for call in history.calls if call.is_late}
        for sandbox in history.alive:
            if sandbox.id in own:
                yield f"{sandbox.id} is idle and lives"


def there_is_a_spare(history: History) -> Iterator[str]:
    """Check that a new session gets the spare, and that the upkeep then starts another one."""
    if not history.plan.has_spare:
        return
    last = {call.name: call for call in history.calls if call.is_late}
    spares = {box.id: box for box in history.sandboxes.values() if box.name == "warm-spare"}
    given = (last[f"last.{NEW}"].response or {}).get("session_id", "")
    if given not in spares:
        yield "a new session got no spare"
    now = last["upkeep.last2"].ended_at
    if not any(
        box.created_at <= now < min(box.expires_at, box.ended_at or box.expires_at)
        for session_id, box in spares.items()
        if session_id != given
    ):
        yield "there is no other spare after the upkeep"


def spares_are_kept(history: History) -> Iterator[str]:
    """Check that the upkeep retires none that is fresh."""
    for key, body in history.objects.items():
        session_id = key.rpartition("/")[2].removesuffix(".json")
        if "/spares/" not in key or session_id not in history.sandboxes:
            continue
        sandbox = history.sandboxes[session_id]
        ended_at = sandbox.ended_at or sandbox.expires_at
        is_young = ended_at - sandbox.created_at < history.plan.life * (1 - FRESH_PART) - UPKEEP
        if not json.loads(body)["session"] and sandbox.ended_by.startswith("upkeep") and is_young:
            yield f"{session_id} was retired while it was fresh"


def requests_stop_no_used_sandbox(history: History) -> Iterator[str]:
    """Check that a request, unless it asks for that, stops no sandbox that a response has had.

    With a sweeper, it may complete a sweep. The fault "gone" counts as the request's that meets it.
    """
    if history.plan.idle_limit:
        return
    causes = {place.partition("/")[0] for place, fault in history.faults.items() if fault == "gone"}
    causes |= {call.name for call in history.calls if call.kind in ("stop", "upkeep")}
    for sandbox in history.sandboxes.values():
        ended_at = sandbox.ended_at
        if ended_at is None or sandbox.ended_by in causes:
            continue
        for call in history.calls:
            is_other = call.name != sandbox.ended_by and end_of(call) < ended_at
            if is_other and (call.response or {}).get("session_id") == sandbox.id:
                yield f"{sandbox.ended_by} stopped {sandbox.id} of {call.name}"


def has_failed(history: History) -> bool:
    """Tell whether a caller's request to a service failed as often as it was sent."""
    places = {tuple(place.rsplit("/", 1)) for place in history.faults}
    return any(
        all((actor, str(int(number) + later)) in places for later in range(ATTEMPTS))
        for actor, number in places
        if not actor.startswith("upkeep")
    )
