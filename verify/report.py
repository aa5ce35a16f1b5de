"""The results of a run: as text for people, as JSON, both without names of the account."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verify import costs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from verify.experiment import Experiment, Finding

WIDTH = 100
OUTCOMES = ("holds", "differs", "could not be tried")
# The names of principals, the ids of keys, accounts and EC2, and the parameters of signed URLs.
SECRETS = {
    r"(arn:aws[\w-]*:(?:iam|sts)::[^:]*:[\w-]+/)[^\s'\",;)]+": r"\1<name>",
    r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b": "<key>",
    r"X-Amz-[\w-]+=[^&\s'\"]+": "<signature>",
    r"\b\d{12}\b": "<account>",
    r"\b(vpc|subnet|sg|eni|fsap|fs|vpce|nat|i)-[0-9a-f]{8,}\b": r"<\1>",
}


@dataclass(frozen=True)
class Result:
    """The finding of an experiment, and the seconds that it took, its deployment included."""

    experiment: Experiment
    finding: Finding
    seconds: float


@dataclass(frozen=True)
class Report:
    """All results of one run.

    :param about: Date, version, region and the like.
    :param names: Names and ids of the account by the words that take their place.
    """

    about: Mapping[str, str]
    results: Sequence[Result]
    left_behind: Sequence[str]
    names: Mapping[str, str]

    def as_json(self) -> str:
        document = {
            **self.about,
            "cost": {"usd": round(self.cost, 4), "estimate": ESTIMATE},
            "left_behind": list(self.left_behind),
            "experiments": [entry(result) for result in self.results],
        }
        return json.dumps(self._redacted(document), indent=2, ensure_ascii=False) + "\n"

    def _redacted(self, value: Any) -> Any:
        """Redact each text: in JSON, a line ends with the letter n, which could begin a name."""
        if isinstance(value, dict):
            return {self._redacted(key): self._redacted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._redacted(item) for item in value]
        return redact(value, self.names) if isinstance(value, str) else value

    def as_text(self) -> str:
        lines = [", ".join(f"{name} {value}" for name, value in self.about.items()), ""]
        for outcome in OUTCOMES:
            found = [result for result in self.results if result.finding.outcome == outcome]
            if found:
                lines += [f"{outcome.upper()} ({len(found)})", *self._rows(found), ""]
        lines += ["LATENCIES in seconds", *latencies(self.results), ""]
        lines += [*textwrap.wrap(f"COST about {self.cost:.3f} USD: {ESTIMATE}", WIDTH), ""]
        lines += ["LEFT BEHIND", *(self.left_behind or ["  nothing"])]
        return redact("\n".join(lines), self.names) + "\n"

    def _rows(self, results: Sequence[Result]) -> list[str]:
        width = max(len(result.experiment.name) for result in results) + 4
        return [
            line
            for result in results
            for line in row(
                result.experiment.name, redact(result.finding.evidence, self.names), width
            )
        ]

    @property
    def cost(self) -> float:
        """The cost in USD; experiments that were not tried cost nothing."""
        return sum(
            costs.estimate(result.experiment, result.seconds)
            for result in self.results
            if result.seconds
        )

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write both forms, and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "result.json", folder / "result.txt"
        paths[0].write_text(self.as_json(), encoding="utf-8")
        paths[1].write_text(self.as_text(), encoding="utf-8")
        return paths


ESTIMATE = (
    "an estimate from the measured times, as if each sandbox had been busy all the time, with the "
    "published prices of us-east-1"
)


def entry(result: Result) -> dict[str, Any]:
    experiment, finding = result.experiment, result.finding
    return {
        "name": experiment.name,
        "question": experiment.question,
        "emulator": experiment.assumption,
        "outcome": finding.outcome,
        "evidence": finding.evidence,
        "latencies": {name: round(value, 3) for name, value in finding.seconds.items()},
        "seconds": round(result.seconds, 1),
        **({"details": dict(finding.details)} if finding.details else {}),
    }


def row(name: str, evidence: str, width: int) -> list[str]:
    """Return the lines of a result, whose evidence is an indented block.

    The evidence has been redacted: a name that is in two lines would not be found.
    """
    block = textwrap.wrap(" ".join(evidence.split()), WIDTH - width) or [""]
    return [f"  {name}".ljust(width) + block[0], *(" " * width + line for line in block[1:])]


def latencies(results: Iterable[Result]) -> list[str]:
    measured = [
        f"  {name:<24}{value:8.2f}"
        for result in results
        for name, value in result.finding.seconds.items()
    ]
    return measured or ["  not measured"]


def redact(text: str, names: Mapping[str, str]) -> str:
    """Replace names and ids of the account."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", names[name], text)
    for pattern, word in SECRETS.items():
        text = re.sub(pattern, word, text)
    return text
