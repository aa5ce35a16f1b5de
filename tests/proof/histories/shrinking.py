"""Make a failing plan small."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from .plan import Operation, Plan


def shrunk(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Return a plan that fails as well, and from which nothing can be left out.

    :param plan: A failing plan with the faults that its run met.
    """
    while True:
        smaller = next(filter(fails, smaller_plans(plan)), None)
        if smaller is None:
            return plan
        plan = smaller


def smaller_plans(plan: Plan) -> Iterator[Plan]:
    """Yield plans that lack a client, an operation, a fault, the preemption, or a length."""
    for number, operations in enumerate(plan.clients):
        if operations:
            yield with_client(plan, number, ())
    faults = plan.faults or ()
    half = len(faults) // 2
    if half > 1:
        yield dataclasses.replace(plan, faults=faults[:half])
        yield dataclasses.replace(plan, faults=faults[half:])
    for number in range(len(faults)):
        yield dataclasses.replace(plan, faults=faults[:number] + faults[number + 1 :])
    for number, operations in enumerate(plan.clients):
        for index, operation in enumerate(operations):
            rest = operations[index + 1 :]
            yield with_client(plan, number, operations[:index] + rest)
            for simpler in simpler_operations(operation):
                yield with_client(plan, number, (*operations[:index], simpler, *rest))
    if plan.has_spare:
        yield dataclasses.replace(plan, has_spare=False)
    if plan.preemption_rate:
        yield dataclasses.replace(plan, preemption_rate=0.0)
    if plan.idle_limit:
        yield dataclasses.replace(plan, idle_limit=0)


def with_client(plan: Plan, number: int, operations: tuple[Operation, ...]) -> Plan:
    clients = plan.clients
    return dataclasses.replace(
        plan, clients=(*clients[:number], operations, *clients[number + 1 :])
    )


def simpler_operations(operation: Operation) -> Iterator[Operation]:
    if operation.takes:
        yield dataclasses.replace(operation, takes=0.0)
    if operation.sends > 1:
        yield dataclasses.replace(operation, sends=operation.sends - 1)
