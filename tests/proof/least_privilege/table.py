"""The table of the permissions, without the names that differ from run to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .access import Kind, Policies, Request, Statement, as_list
from .probes import kind_of
from .reasons import ALLOWED, ANALYSER, DENIED, RESOURCES, SURVIVORS, UNUSED, reason

NAMES = (
    (r"[a-z]+-workspacebucket[0-9a-f]+-[0-9a-f]+", "<bucket>"),
    (r"sessions/(\w+)/\d+\.[a-z0-9-]+\.\w+\.c[0-9a-f]+", r"sessions/\1/<interpreter>"),
    (r"code-interpreter-custom/\w+(_\?{10})?-\?{10}", "code-interpreter-custom/<name>-??????????"),
    (r"code-interpreter-custom/\w+-[A-Za-z0-9]{10}", "code-interpreter-custom/<id>"),
    (r"log-group:[^:]+", "log-group:<log group>"),
    (r"function:[A-Za-z0-9-]+", "function:<function>"),
    (r":role/[A-Z][A-Za-z0-9]+-[A-Za-z0-9-]+", ":role/<role>"),
    (r"key/[0-9a-f]{8}-[0-9a-f-]+", "key/<key>"),
    (r"secret:[A-Za-z0-9?-]+", "secret:<secret>"),
    (r":Encrypted-Failures[A-Za-z0-9-]+", ":<queue>"),
    (r"parameter/cdk-code-interpreter/\S+", "parameter/cdk-code-interpreter/<stack>/<interpreter>"),
    (r"\b\d{12}\b", "<account>"),
    (r"us-east-1", "<region>"),
)
HASH = re.compile(r"(?<=[a-zA-Z])[0-9A-F]{8}$")

KINDS: dict[Kind, str] = {
    "trust": "trust of a role",
    "bucket": "bucket",
    "function": "function",
    "key": "key",
    "logs": "log groups",
}
REFUSES = "refuses what the probes of its conditions send"

Grant = tuple[Statement, str]
Row = tuple[str, str, str, str, str]


def rows(
    policies: Policies, grants: Sequence[Grant], uses: Mapping[Grant, list[Request]]
) -> list[Row]:
    """Return a row for each permission, which several stacks can share."""
    found: dict[tuple[str, str, str, str], list[Grant]] = {}
    for statement, action in grants:
        body = policies.bodies[statement]
        resources = ", ".join(f"`{masked(one)}`" for one in as_list(body["Resource"]))
        keys = sorted({key for keys in body.get("Condition", {}).values() for key in keys})
        row = (role(statement), action, resources, ", ".join(keys))
        found.setdefault(row, []).append((statement, action))
    return [(*row, users(held, uses)) for row, held in sorted(found.items())]


def resource_rows(policies: Policies, uses: Mapping[Grant, list[Request]]) -> list[Row]:
    """Return a row for each different statement of resources' policies and of trust policies."""
    found: dict[tuple[str, str, str, str], list[Grant]] = {}
    for statement, body in policies.bodies.items():
        if statement.kind == "role":
            continue
        principal = body["Principal"]
        names = as_list(principal) if isinstance(principal, str) else as_list(*principal.values())
        keys = sorted({key for keys in body.get("Condition", {}).values() for key in keys})
        actions = ", ".join(sorted(as_list(body["Action"])))
        if body["Effect"] == "Deny":
            actions = f"not {actions}"
        row = (KINDS[statement.kind], ", ".join(map(masked, names)), actions, ", ".join(keys))
        found.setdefault(row, []).extend(grant for grant in uses if grant[0] == statement)
    return [(*row, users(grants, uses) or REFUSES) for row, grants in sorted(found.items())]


def users(grants: Sequence[Grant], uses: Mapping[Grant, list[Request]]) -> str:
    """Return the users of grants that are the same in several stacks."""
    requests = [request for grant in grants for request in uses.get(grant, [])]
    recorded = sorted({one.source for one in requests if one.origin == "recorded"})
    found = [f"recorded in {', '.join(recorded)}"] if recorded else []
    found += sorted({one.origin for one in requests if one.origin != "recorded"})
    exceptions = {reason(UNUSED, *grant) for grant in grants} - {None}
    found += [f"nobody: {exception}" for exception in exceptions]
    return "; ".join(found)


def role(statement: Statement) -> str:
    """Return the logical id of a role without its hash, or the kind of a function's role."""
    return kind_of(HASH.sub("", statement.document.partition(".")[0]))


def masked(text: str) -> str:
    for pattern, name in NAMES:
        text = re.sub(pattern, name, text)
    return text


def exceptions() -> Iterator[tuple[str, str, str]]:
    for title, listed in (
        ("without a request", UNUSED),
        ("resources", RESOURCES),
        ("findings of parliament", ANALYSER),
        ("mutants", SURVIVORS),
        ("probes that are allowed", ALLOWED),
    ):
        for place, what, why in listed:
            yield title, f"`{f'{place} {what}'.strip()}`", why
    for what, why in DENIED:
        yield "expected denials", f"`{what}`", why
