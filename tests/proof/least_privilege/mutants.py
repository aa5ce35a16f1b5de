"""Faulty statements, generated from the deployed ones."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass

from .access import Body, Statement, as_list

# Every request has these keys, so a condition that also holds without them is the same condition.
ALWAYS_PRESENT = {"aws:resourceaccount", "s3:resourceaccount"}


@dataclass(frozen=True)
class Mutant:
    """A change of one statement. A body of None leaves the statement out.

    :ivar kind: The change without names, which is the same in every stack.
    """

    statement: Statement
    kind: str
    change: str
    body: Body | None


Change = tuple[str, str, Body | None]


def generate(statement: Statement, body: Body, chance: random.Random) -> Iterator[Mutant]:
    """Yield each change of a part of the statement; `chance` cuts names and picks values.

    The policy of a bucket, a function, a key or a role's trust concerns that resource alone, so its
    resources are not widened.
    """
    names_resources = statement.kind in ("role", "logs")
    for kind, change, changed in changes(body, chance, names_resources=names_resources):
        if changed != body:
            yield Mutant(statement, kind, change, changed)


def changes(body: Body, chance: random.Random, *, names_resources: bool = True) -> Iterator[Change]:
    flipped = "Deny" if body["Effect"] == "Allow" else "Allow"
    yield "flip", f"flip to {flipped}", {**body, "Effect": flipped}
    if body["Effect"] == "Deny":
        yield "remove", "remove", None
    yield from dropped(body, "Action")
    if len(as_list(body.get("Resource", []))) > 1:
        yield from dropped(body, "Resource")
    if body["Effect"] == "Allow":
        if "Principal" not in body:
            for action in as_list(body["Action"]):
                wider = f"{action.partition(':')[0]}:*"
                change = f"widen {action}"
                yield change, f"{change} to {wider}", replaced(body, "Action", action, wider)
        if names_resources:
            for number, resource in enumerate(as_list(body.get("Resource", []))):
                for kind, wider in wider_resources(resource, chance):
                    changed = replaced(body, "Resource", resource, wider)
                    yield f"widen resource {number} {kind}", f"widen {resource} to {wider}", changed
        yield from wider_principals(body)
    yield from changed_conditions(body, chance)


def dropped(body: Body, member: str) -> Iterator[Change]:
    for number, value in enumerate(as_list(body[member])):
        left = [one for one in as_list(body[member]) if one != value]
        kind = f"drop {value if member == 'Action' else number}"
        yield kind, f"drop {value}", {**body, member: left} if left else None


def wider_principals(body: Body) -> Iterator[Change]:
    principal = body.get("Principal")
    if isinstance(principal, dict) and "Service" in principal:
        services = [*as_list(principal["Service"]), "ec2.amazonaws.com"]
        yield "principal", "add a service", {**body, "Principal": {"Service": services}}
    elif principal is not None and principal not in ("*", {"AWS": "*"}):
        yield "principal", "widen the principal", {**body, "Principal": {"AWS": "*"}}


def replaced(body: Body, member: str, value: str, other: str) -> Body:
    return {**body, member: [other if one == value else one for one in as_list(body[member])]}


def wider_resources(resource: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    if resource == "*":
        return
    yield "everything", "*"
    parts = resource.split(":", 5)
    for place, kind in ((3, "region"), (4, "account")):
        if parts[place] not in ("", "*"):
            yield kind, ":".join([*parts[:place], "*", *parts[place + 1 :]])
    name = parts[5]
    # Cut the name after its type, so that it names others, too.
    start = max(name.find("/"), name.find(":")) + 1 if parts[2] != "s3" else 0
    fixed = len(name.split("*")[0].split("?")[0])
    if fixed > start:
        cut = chance.randrange(start, fixed)
        yield "name", ":".join([*parts[:5], f"{name[:cut]}*"])


def changed_conditions(body: Body, chance: random.Random) -> Iterator[Change]:
    for operator, keys in body.get("Condition", {}).items():
        for key, value in keys.items():
            what = f"{operator} {key}"
            yield f"drop {what}", f"drop {what}", with_condition(body, operator, key, None)
            for other_operator, other in looser(operator, value, body["Effect"]):
                if "IfExists" in other_operator and key.lower() in ALWAYS_PRESENT:
                    continue
                changed = with_condition(body, operator, key, None)
                changed.setdefault("Condition", {}).setdefault(other_operator, {})[key] = other
                kind = f"{what} becomes {other_operator}"
                yield kind, f"{kind} {other}", changed
            values = as_list(value)
            if len(values) > 1:
                lost = chance.choice(values)
                left = [one for one in values if one != lost]
                changed = with_condition(body, operator, key, left)
                yield f"{what} loses a value", f"{what} loses {lost}", changed


def with_condition(body: Body, operator: str, key: str, value: object) -> Body:
    changed = copy.deepcopy(body)
    if value is None:
        del changed["Condition"][operator][key]
        if not changed["Condition"][operator]:
            del changed["Condition"][operator]
        if not changed["Condition"]:
            del changed["Condition"]
    else:
        changed["Condition"][operator][key] = value
    return changed


def looser(operator: str, value: object, effect: str) -> Iterator[tuple[str, object]]:
    """Yield operators and values with which an Allow allows more, or a Deny denies less."""
    match operator, effect:
        case "StringEquals" | "StringLike" | "ArnLike", "Allow":
            yield ("ArnLike" if operator == "ArnLike" else "StringLike"), "*"
            yield f"{operator}IfExists", value
        case "ForAllValues:StringEquals", "Allow":
            yield "ForAnyValue:StringEquals", value
            yield "ForAllValues:StringLike", "*"
        case "Null", _:
            yield "Null", "false" if as_list(value) == ["true"] else "true"
        case "StringEquals", "Deny":
            yield "StringEquals", "none of them"
        case "StringNotEquals", "Deny":
            yield "StringNotLike", "*"
        case "Bool", "Deny":
            yield "Bool", "true"
        case "NumericLessThan", "Deny":
            yield "NumericLessThan", "0"
        case "NumericGreaterThan", "Deny":
            yield "NumericGreaterThan", "999999999"
