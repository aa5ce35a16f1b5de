"""Compare what the model reaches with what is declared, for templates and for mutants of them."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.proof.part import Part

from . import mutants
from .declared import DECLARATIONS, Declaration
from .destinations import destinations
from .model import LAYERS, Model
from .templates import Resources, read

CLAIM = """\
In each network mode, code in a sandbox reaches exactly what the mode declares. The model reads
the synthesised templates: routes, security groups, rules of DNS Firewall, endpoint policies and
the network mode. Each layer is also judged alone, so that a hole in one shows although another
still covers it. A mutant changes one thing of a template; it is caught if any layer then lets
through more or less."""


def prove(seed: int) -> Part:
    part = Part("Reachability", CLAIM)
    figures = dict.fromkeys(("modes", "cases", "mutants", "mutants caught"), 0)
    rows = []
    for mode, declaration in DECLARATIONS.items():
        resources = synthesised(declaration)
        model = Model(resources)
        part.failures += [
            f"{mode}: {one}" for one in contradictions(declaration, model.bucket, resources)
        ]
        figures["modes"] += 1
        figures["cases"] += len(destinations(model.bucket)) * (len(LAYERS) + 1)
        for mutant in mutants.generate(model, random.Random(seed)):
            figures["mutants"] += 1
            if contradictions(declaration, model.bucket, mutant.resources):
                figures["mutants caught"] += 1
            else:
                part.failures.append(f"{mode}: survivor: {mutant.change}")
        rows.append((mode, "; ".join(sorted(declaration.reaches)) or "nothing"))
    part.figures = figures
    part.add_table("What code reaches", ("network", "destinations"), rows)
    return part


def synthesised(declaration: Declaration) -> Resources:
    with TemporaryDirectory() as directory:
        declaration.define(Path(directory))
        return read(Path(directory))


def contradictions(declaration: Declaration, bucket: str, resources: Resources) -> list[str]:
    """Return in which ways the resources let through more or less than is declared."""
    model = Model(resources)
    tried = destinations(bucket)
    found = differences(
        "altogether",
        declaration.reaches,
        {name for name, destination in tried.items() if model.reaches(destination)},
    )
    if declaration.layers:
        if not model.is_protected_first():
            found.append("the code interpreter can exist before its protection")
        if not model.is_closed_from_the_start():
            found.append("a security group can be without a rule, and lets everything out")
        for layer in LAYERS:
            passed = {
                name
                for name, destination in tried.items()
                if model.decides(layer, destination) and model.passes(layer, destination)
            }
            found += differences(layer, declaration.layers[layer], passed)
    return found


def differences(layer: str, declared: set[str], found: set[str]) -> list[str]:
    return [f"{layer}: reaches {name}" for name in sorted(found - declared)] + [
        f"{layer}: does not reach {name}" for name in sorted(declared - found)
    ]
