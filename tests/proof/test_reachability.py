"""The reachability of one sealed network, and of every mutant of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .reachability import mutants
from .reachability.declared import DECLARATIONS
from .reachability.model import Model, admits, holds
from .reachability.proof import contradictions
from .reachability.templates import Resources, read

SEALED = DECLARATIONS["sealed, opened"]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    directory = tmp_path_factory.mktemp("sealed")
    SEALED.define(directory)
    return read(directory)


def test_a_sealed_network_reaches_what_it_declares(sealed: Resources) -> None:
    assert contradictions(SEALED, Model(sealed).bucket, sealed) == []


def test_every_mutant_of_a_sealed_network_is_caught(sealed: Resources) -> None:
    model = Model(sealed)
    made = list(mutants.generate(model, random.Random(1)))
    assert len(made) > 50
    assert [
        mutant.change
        for mutant in made
        if not contradictions(SEALED, model.bucket, mutant.resources)
    ] == []


def test_what_the_model_does_not_know_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="StringEqualsIgnoreCase"):
        holds("StringEqualsIgnoreCase", "a", ["a"])
    (tmp_path / "A.template.json").write_text(
        '{"Resources": {"B": {"Type": "T", "Properties": {"C": {"Fn::ImportValue": "none"}}}}}'
    )
    with pytest.raises(KeyError):
        read(tmp_path)


def test_a_deny_in_an_endpoints_policy_wins() -> None:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert admits({"Statement": [allow]}, "s3:GetObject", "arn:aws:s3:::a/b", {})
    deny = {**allow, "Effect": "Deny"}
    assert not admits({"Statement": [allow, deny]}, "s3:GetObject", "arn:aws:s3:::a/b", {})
