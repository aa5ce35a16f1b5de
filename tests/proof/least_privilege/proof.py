"""Judge the policies of the stacks, and mutants of them, by recorded requests and by probes."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

from tests.proof.part import Part

from . import authorization_data as data
from . import mutants, probes, table
from .access import OPERATORS, Policies, Request, Statement, as_list, holders
from .probes import Probe
from .reasons import (
    ANALYSER,
    DENIED,
    RESOURCES,
    SURVIVORS,
    UNUSED,
    describe,
    is_expected,
    reason,
)
from .scenario import Recording, record

CLAIM = """\
Each role may do what a needed request needs, and nothing else. The needed requests are those
that the local AWS, with authorisation on, records while the stacks are created, used, updated,
rolled back and destroyed, and those that AWS services make with the roles, with keys and with log
groups. Where policies never see an interpreter's tags, whose support the developer guide calls
partial, other statements are needed: a second local AWS, with that setting, records for what.

A probe changes one thing of a needed request, and has to be denied: the resource's account,
region or name, a condition key, or the action. A mutant changes one thing of a statement of the
deployed templates: it drops an action, widens a resource, removes or loosens a condition, or
flips the effect. It is caught if a needed request is denied or a probe is allowed. The seed
decides where names are cut and which values and actions are tried."""


def prove(seed: int) -> Part:
    return judge(record(), random.Random(seed))


def judge(recording: Recording, chance: random.Random) -> Part:
    part = Part("Least privilege", CLAIM)
    policies = recording.policies
    needed = list(recording.requests)
    part.failures += [
        f"denied: {denied}"
        for denied in recording.denied
        if not any(re.search(pattern, denied) for pattern, _ in DENIED)
    ]
    part.failures += [
        f"needed, but denied: {describe(one)}" for one in needed if not policies.allows(one)
    ]
    part.failures += [f"the evaluator is not tested with {one}" for one in untested(policies)]
    generated = probes.generate(needed, chance)
    allowed = [probe for probe in generated if policies.allows(probe.request)]
    part.failures += [
        f"allowed, but not needed ({probe.axis}): {describe(probe.request)}"
        for probe in allowed
        if not is_expected(probe)
    ]
    permitted = set(allowed)
    denied = [probe for probe in generated if probe not in permitted]
    grants = list(granted(policies))
    uses = used_by(policies, needed)
    used = {(shape(policies, statement), action) for statement, action in uses}
    unused = [
        (statement, action)
        for statement, action in grants
        if (shape(policies, statement), action) not in used
    ]
    part.failures += [
        f"granted, but never used: {statement} {action}"
        for statement, action in unused
        if not reason(UNUSED, statement, action)
    ]
    in_use = {shape(policies, statement) for statement, _ in uses}
    part.failures += [
        f"allowed, but never used: {statement}"
        for statement, body in policies.bodies.items()
        if statement.kind != "role" and body["Effect"] == "Allow"
        if shape(policies, statement) not in in_use and not reason(UNUSED, statement, "")
    ]
    misfits = [
        (statement, misfit)
        for statement, body in policies.bodies.items()
        if statement.kind in ("role", "logs")
        for misfit in data.misfits(body)
    ]
    part.failures += [
        f"{statement}: {misfit}"
        for statement, misfit in misfits
        if not reason(RESOURCES, statement, misfit)
    ]
    findings = list(analysed(policies))
    part.failures += [
        f"parliament: {statement}: {finding}"
        for statement, finding in findings
        if not reason(ANALYSER, statement, finding)
    ]
    made, caught, survivors = mutated(policies, needed, denied, chance)
    tolerated = [one for one in survivors if reason(SURVIVORS, one.statement, one.change)]
    survivors = [one for one in survivors if one not in tolerated]
    part.failures += [f"survivor: {one.statement}: {one.change}" for one in survivors]
    part.figures = {
        "roles": len(recording.stack_of_role),
        "statements": len(policies.bodies),
        "statements of resources' policies": sum(
            one.kind not in ("role", "trust") for one in policies.bodies
        ),
        "decisions recorded": recording.decisions,
        "decisions that denied": len(recording.denied),
        "different requests recorded": sum(one.origin == "recorded" for one in recording.requests),
        "requests of AWS services, from their documents": sum(
            one.origin != "recorded" for one in recording.requests
        ),
        "grants (statement and action)": len(grants),
        "grants without a request, each with a reason": len(unused),
        "grants without a request or a reason": sum(not reason(UNUSED, *grant) for grant in unused),
        "probes": len(generated),
        "probes denied": len(denied),
        "probes allowed, each with a reason": sum(is_expected(one) for one in allowed),
        "probes allowed without a reason": sum(not is_expected(one) for one in allowed),
        "resources that the data does not expect, each with a reason": len(misfits),
        "findings of parliament": sum(not reason(ANALYSER, *finding) for finding in findings),
        "mutants": made,
        "mutants caught in their stack": caught,
        "mutants caught in a stack with the same statement": made
        - caught
        - len(survivors)
        - len(tolerated),
        "mutants that survive with a reason": len(tolerated),
        "survivors": len(survivors),
    }
    part.add_table(
        "Permissions of the roles",
        ("role", "action", "resource", "condition keys", "used by"),
        table.rows(policies, grants, uses),
    )
    part.add_table(
        "Policies of resources",
        ("policy of", "principal", "action", "condition keys", "used by"),
        table.resource_rows(policies, uses),
    )
    part.add_table("Exceptions", ("place", "what", "reason"), table.exceptions())
    return part


def untested(policies: Policies) -> list[str]:
    """Return the elements of policies with which `test_access.py` does not test the evaluator."""
    found = set()
    for statement, body in policies.bodies.items():
        found |= {
            f"the operator {one}" for one in body.get("Condition", {}) if one not in OPERATORS
        }
        found |= {f"the element {one}" for one in body if one.startswith("Not")}
        if "${" in statement.text:
            found.add("policy variables")
    return sorted(found)


def granted(policies: Policies) -> Iterator[tuple[Statement, str]]:
    for statement, body in policies.bodies.items():
        if statement.kind == "role":
            for pattern in as_list(body["Action"]):
                for action in data.actions_matching(pattern):
                    yield statement, action


def used_by(
    policies: Policies, needed: list[Request]
) -> dict[tuple[Statement, str], list[Request]]:
    """Return the requests that use each grant."""
    uses: dict[tuple[Statement, str], list[Request]] = {}
    for request in needed:
        for statement in policies.matching(request):
            uses.setdefault((statement, request.action), []).append(request)
    return uses


def analysed(policies: Policies) -> Iterator[tuple[Statement, str]]:
    """Yield the findings of a public analyser about the statements of roles."""
    import parliament  # here, because it and its data take half a second

    for statement, body in policies.bodies.items():
        if statement.kind == "role":
            document = {"Version": "2012-10-17", "Statement": [body]}
            analysis = parliament.analyze_policy_string(json.dumps(document))
            for finding in analysis.findings:
                yield statement, f"{finding.issue} {finding.detail}"


def shape(policies: Policies, statement: Statement) -> str:
    """Return a statement without the names of its stack.

    Stacks of the same constructs have the same statements. Each is judged where the scenario
    reaches it: not every stack is updated in every way.
    """
    body = policies.bodies[statement]
    resources = sorted(
        re.sub(r"^(arn:aws:[^:]+).*?([/*]?)$", r"\1\2", one)
        for one in as_list(body.get("Resource", []))
    )
    keys = sorted(
        (operator, key) for operator, keys in body.get("Condition", {}).items() for key in keys
    )
    role = table.role(statement)
    return json.dumps([statement.kind, role, body["Effect"], body["Action"], resources, keys])


def mutated(
    policies: Policies, needed: list[Request], denied: list[Probe], chance: random.Random
) -> tuple[int, int, list[mutants.Mutant]]:
    """Return the numbers of mutants made and caught, and those that were caught nowhere.

    A request or a probe catches a mutant by another decision than that of the original. A mutant
    that is caught in one stack is caught in the others, too: see `shape`.
    """
    made = 0
    caught: list[mutants.Mutant] = []
    missed: list[mutants.Mutant] = []
    refused = [probe.request for probe in denied]
    for statement, body in policies.bodies.items():
        concerned = [
            [one for one in requests if (statement.kind, statement.holder) in holders(one)]
            for requests in (needed, refused)
        ]
        for mutant in mutants.generate(statement, body, chance):
            made += 1
            (caught if is_caught(policies, mutant, *concerned) else missed).append(mutant)
    kinds = {(shape(policies, one.statement), one.kind) for one in caught}
    survivors = [one for one in missed if (shape(policies, one.statement), one.kind) not in kinds]
    return made, len(caught), survivors


def is_caught(
    policies: Policies, mutant: mutants.Mutant, needed: list[Request], refused: list[Request]
) -> bool:
    changed = {mutant.statement: mutant.body}
    return any(not policies.allows(one, changed) for one in needed) or any(
        policies.allows(one, changed) for one in refused
    )
