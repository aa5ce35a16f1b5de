"""Find what a history contradicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from tests.fakes.s3 import PREFIX

from .services import ATTEMPTS
from .simulation import Call, History

# A response that says that nothing of its request ran.
NOTHING_RAN = ("NotStarted", "InvalidRequest", "NotFound")
# Seconds that a request takes at most, with all that is sent again.
LONG = 100.0
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
        *nobody_waits_without_a_cause(history),
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
        if "failed unexpectedly" in str(call.response) or error_type(call) == "InvalidRequest":
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
        if error_type(call) not in ("OutcomeUnknown", "TimedOut") or call.kind == "keyed":
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
        if call.kind in PROGRAMS
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
    takes_long = any(one.takes > 1 for many in history.plan.clients for one in many)
    met = set(history.faults.values())
    if takes_long or has_failed(history) or met & {"slow", "refused", "dies before", "dies after"}:
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


def has_failed(history: History) -> bool:
    """Tell whether a caller's request to a service failed as often as it was sent."""
    places = {tuple(place.rsplit("/", 1)) for place in history.faults}
    return any(
        all((actor, str(int(number) + later)) in places for later in range(ATTEMPTS))
        for actor, number in places
        if not actor.startswith("upkeep")
    )
