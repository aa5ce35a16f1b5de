"""Requests that the policies have to deny, generated from those that they have to allow.

Each probe changes one thing of a needed request: the resource's account, region or name, a
condition key, or the action. The generator does not look at the policies.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from . import authorization_data as data
from .access import Request, is_service

OTHER_ACCOUNT = "999999999999"
OTHER_REGION = "eu-west-1"
MANAGED = "code-interpreter/aws.codeinterpreter.v1"
STACK_TAG = "cdk-code-interpreter:stack-id"
RESOURCE_TAG = f"aws:resourcetag/{STACK_TAG}"
OTHER_STACK = "arn:aws:cloudformation:us-east-1:999999999999:stack/Other/0"

# Condition keys whose values are the user's own, or which do not limit a permission.
FREE_KEYS = {
    "aws:tagkeys": "the tags of the app are the user's",
    "aws:sourceaccount": "a service that names no source for its functions",
    "s3:delimiter": "the form of a list",
    "s3:max-keys": "the form of a list",
    "s3:authtype": "the form of a request; the buckets' rules have probes of their own",
    "s3:signatureversion": "the same",
    "s3:signatureage": "the same",
    "s3:tlsversion": "the same",
    "aws:sourcevpce": "the same",
}
# The condition keys that say for what a service sends a request.
SOURCES = ("aws:sourcearn", "aws:sourceaccount", "kms:encryptioncontext:aws:logs:arn")
# Where no interpreter of the stack can be, whatever its tags.
ELSEWHERE = ("another account", "another region", "the managed interpreter")
# Keys that a creation outside of a VPC must not have.
NETWORK_KEYS = ("bedrock-agentcore:subnets", "bedrock-agentcore:securitygroups")
# Conditions under which a bucket refuses every request.
REFUSED_BY_BUCKETS = {
    "without TLS": {"aws:securetransport": "false"},
    "TLS 1.1": {"s3:tlsversion": "1.1"},
    "SigV2": {"s3:signatureversion": "AWS"},
    "signature of 16 minutes": {"s3:signatureage": "960000"},
}


@dataclass(frozen=True)
class Probe:
    """A request that has to be denied, and the thing that it changes."""

    request: Request
    axis: str


def generate(needed: Iterable[Request], chance: random.Random) -> list[Probe]:
    needed = list(needed)
    probes: dict[Request, Probe] = {}
    for request in needed:
        for probe in of_request(request):
            probes.setdefault(probe.request, probe)
    for probe in other_actions(needed, chance):
        probes.setdefault(probe.request, probe)
    for request in needed:
        probes.pop(request, None)
    return list(probes.values())


def of_request(request: Request) -> Iterator[Probe]:
    if is_service(request.principal):
        yield from of_service(request)
        return
    for axis, resource in other_resources(request):
        changed = replace(request, resource=resource)
        if RESOURCE_TAG in request.keys:
            if axis in ELSEWHERE:
                yield Probe(changed, axis)
            # An interpreter with another name belongs to another stack.
            yield Probe(
                changed.with_keys(**{RESOURCE_TAG: OTHER_STACK}), f"{axis}, tag of another stack"
            )
            yield Probe(changed.with_keys(**{RESOURCE_TAG: None}), f"{axis}, no tag")
        else:
            yield Probe(changed, axis)
            if request.action.endswith(":TagResource"):
                tagged = changed.with_keys(**{RESOURCE_TAG: OTHER_STACK})
                yield Probe(tagged, f"{axis}, tag of another stack")
    yield from other_keys(request)
    if request.resource.startswith("arn:aws:s3:::"):
        for axis, keys in REFUSED_BY_BUCKETS.items():
            yield Probe(request.with_keys(**keys), axis)
        if request.source == "Sealed" and "Invoke" in request.principal:
            for endpoint in (None, "vpce-00000000000000000"):
                for kind in ("REST-QUERY-STRING", "POST"):
                    signed = request.with_keys(**{"s3:authtype": kind, "aws:sourcevpce": endpoint})
                    through = "through another endpoint" if endpoint else "without an endpoint"
                    yield Probe(signed, f"{kind} {through}")


def other_resources(request: Request) -> Iterator[tuple[str, str]]:
    """Yield ARNs of the same kind that do not belong to the stack."""
    arn = request.resource
    if arn == "*":
        return
    _, _, service, region, account, name = arn.split(":", 5)

    def made(region: str, account: str, name: str) -> str:
        return f"arn:aws:{service}:{region}:{account}:{name}"

    if account:
        yield "another account", made(region, OTHER_ACCOUNT, name)
    if region:
        yield "another region", made(OTHER_REGION, account, name)
    if service == "bedrock-agentcore":
        yield "the managed interpreter", made(region, "aws", MANAGED)
        if account == "aws":
            yield (
                "sibling",
                made(region, request.account, "code-interpreter-custom/other-0123456789"),
            )
            return
    for axis, sibling in siblings(service, name):
        yield axis, made(region, account, sibling)


def siblings(service: str, name: str) -> Iterator[tuple[str, str]]:
    if service == "s3":
        bucket, _, key = name.partition("/")
        yield "another bucket", f"{bucket}-of-others" + (f"/{key}" if key else "")
        if key:
            yield "another prefix", f"{bucket}/other/{key}"
            yield "a longer prefix", f"{bucket}/{key.replace('/', '-of-others/', 1)}"
        if key.startswith("sessions/"):
            prefix, workspace, identity = key.split("/")[:3]
            rest = key.split("/", 3)[3:]
            other = "/".join([prefix, workspace, f"{identity}-of-others", *rest])
            yield "another interpreter's records", f"{bucket}/{other}"
            others = "/".join([prefix, f"{workspace}-of-others", identity, *rest])
            yield "another workspace's records", f"{bucket}/{others}"
        return
    if service == "logs":
        group = name.split(":")[1]
        yield "another log group", name.replace(group, f"{group}-of-others")
        return
    if service == "bedrock-agentcore":
        own = name.rpartition("/")[2]
        yield "sibling", "code-interpreter-custom/other-0123456789"
        yield "name with the same end", f"code-interpreter-custom/x{own}"
        yield "name with the same beginning", f"code-interpreter-custom/{own}x"
        return
    separator = "/" if "/" in name else ":"
    kind, _, last = name.rpartition(separator)
    kind = f"{kind}{separator}" if kind else ""
    yield "sibling", f"{kind}other"
    yield "longer name", f"{kind}{last}-of-others"


def other_keys(request: Request) -> Iterator[Probe]:
    for key, value in request.context:
        if key in FREE_KEYS or (key.startswith("aws:requesttag/") and STACK_TAG not in key):
            continue
        if key.startswith("aws:resourcetag/"):
            # The stack's own names need no tag: see `scenario.record_without_tags`.
            continue
        yield Probe(request.with_keys(**{key: None}), f"without {key}")
        if isinstance(value, tuple):
            yield Probe(request.with_keys(**{key: [*value, "other"]}), f"one more {key}")
        yield Probe(request.with_keys(**{key: other_value(value)}), f"another {key}")
        if key == "s3:prefix":
            yield Probe(request.with_keys(**{key: ""}), "a list of the whole bucket")
    if request.action == "bedrock-agentcore:CreateCodeInterpreter":
        for key in NETWORK_KEYS:
            if key not in request.keys:
                yield Probe(request.with_keys(**{key: ["other"]}), f"with {key}")


def other_value(value: object) -> object:
    if isinstance(value, tuple):
        return ["other"]
    return f"others/{value}"


def of_service(request: Request) -> Iterator[Probe]:
    """Yield requests of other services, for other sources, and about other log groups."""
    yield Probe(replace(request, principal="ec2.amazonaws.com"), "another service")
    if request.action.startswith("logs:"):
        for axis, resource in other_resources(request):
            yield Probe(replace(request, resource=resource), axis)
    for key, value in request.context:
        names_no_source = key == "aws:sourceaccount" and "aws:sourcearn" not in request.keys
        if key not in SOURCES or names_no_source:
            continue
        yield Probe(request.with_keys(**{key: None}), f"without {key}")
        for axis, other in other_sources(str(value)):
            yield Probe(request.with_keys(**{key: other}), f"{key} of {axis}")


def other_sources(value: str) -> Iterator[tuple[str, str]]:
    if not value.startswith("arn:"):
        yield "another account", OTHER_ACCOUNT
        return
    _, _, service, region, account, name = value.split(":", 5)
    kind, _, last = name.rpartition("/")
    yield "another account", f"arn:aws:{service}:{region}:{OTHER_ACCOUNT}:{name}"
    yield "another region", f"arn:aws:{service}:{OTHER_REGION}:{account}:{name}"
    yield "a sibling", f"arn:aws:{service}:{region}:{account}:{kind}/other-0123456789"
    yield "a longer name", f"arn:aws:{service}:{region}:{account}:{kind}/x{last}"
    yield "another kind", f"arn:aws:{service}:{region}:{account}:other/{last}"


def other_actions(needed: list[Request], chance: random.Random) -> Iterator[Probe]:
    """Yield other actions of the services on the resources that each role uses.

    Each action is tried once for each kind of resource of a role, and two for each request.
    """
    used: dict[str, set[str]] = {}
    for request in needed:
        used.setdefault(kind_of(request.principal), set()).add(request.action)
    seen: set[tuple[str, str, str]] = set()
    for request in needed:
        if is_service(request.principal):
            continue
        prefix = request.action.partition(":")[0]
        others = [
            action
            for action in actions_of(prefix)
            if action not in used[kind_of(request.principal)]
            and (request.resource == "*" or data.takes_resource(action, request.resource))
        ]
        kind = request.resource.partition("/")[0] + ("/" if "/" in request.resource else "")
        if (request.principal, prefix, kind) in seen:
            others = chance.sample(others, min(2, len(others)))
        seen.add((request.principal, prefix, kind))
        for action in others:
            yield Probe(replace(request, action=action), "another action")


def kind_of(role: str) -> str:
    """Return the kind of a role: the library's two functions have the same roles in each stack."""
    found = re.search("ControlFunctionRole|InvokeFunctionRole", role)
    return found[0] if found else role


@functools.cache
def actions_of(prefix: str) -> list[str]:
    return [f"{prefix}:{name}" for name in data.service(prefix).get("privileges", {})]
