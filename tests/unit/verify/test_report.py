"""A result has every finding, and no name of the account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.verify.account import experiment
from verify.experiment import Finding, differs, not_tried
from verify.report import Report, Result, redact

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"my-bucket-1": "<WorkspaceBucketName>", "Mine": "<stack>"}
RESULTS = [
    Result(
        experiment("right"),
        Finding("holds", "in my-bucket-1", {"start, p50": 1.234}, {"numpy": "2.4"}),
        3600,
    ),
    Result(experiment("wrong"), differs("arn:aws:iam::111122223333:role/r"), 10),
    Result(experiment("vain"), not_tried("no VPC"), 0),
]
REPORT = Report({"date": "2026-11-26", "region": "eu-west-1"}, RESULTS, [], NAMES)


def test_the_json_has_every_finding() -> None:
    document = json.loads(REPORT.as_json())
    assert [(one["name"], one["outcome"]) for one in document["experiments"]] == [
        ("right", "holds"),
        ("wrong", "differs"),
        ("vain", "could not be tried"),
    ]
    assert document["experiments"][0]["evidence"] == "in <WorkspaceBucketName>"
    assert document["experiments"][0]["latencies"] == {"start, p50": 1.234}
    assert document["experiments"][0]["details"] == {"numpy": "2.4"}
    assert "details" not in document["experiments"][1]
    assert document["left_behind"] == []
    # An hour of a busy sandbox and of the function, at the published prices.
    assert document["cost"]["usd"] == pytest.approx(0.267, abs=0.003)


def test_the_text_groups_them_by_outcome() -> None:
    text = REPORT.as_text()
    heads = ["HOLDS (1)", "DIFFERS (1)", "COULD NOT BE TRIED (1)"]
    assert [line for line in text.splitlines() if line in heads] == heads
    assert "  right  in <WorkspaceBucketName>\n" in text
    assert "start, p50" in text
    assert "LEFT BEHIND\n  nothing" in text


@pytest.mark.parametrize("length", range(60, 100))
def test_the_text_breaks_no_name_before_it_is_replaced(length: int) -> None:
    secret = "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-0123456789abcdef0"
    evidence = f"{'x' * length} {secret} my-bucket-1"
    finding = Result(experiment("long"), differs(evidence), 1)
    text = "".join(Report({}, [finding], [], NAMES).as_text().split())
    assert [name for name in ("111122223333", "fs-0123", "my-bucket") if name in text] == []


@pytest.mark.parametrize("before", ["\n", "\t", "\r\n", '"', "\\"])
@pytest.mark.parametrize(
    "secret",
    ["111122223333", "my-bucket-1", "AKIAIOSFODNN7EXAMPLE", "vpc-0123456789abcdef0"],
)
def test_the_json_has_no_name_at_the_beginning_of_a_line(before: str, secret: str) -> None:
    finding = Finding("differs", f"x{before}{secret}", details={"y": f"z{before}{secret}"})
    report = Report({}, [Result(experiment("lines"), finding, 1)], [f"{before}{secret}"], NAMES)
    assert secret not in report.as_json()


def test_both_are_written(tmp_path: Path) -> None:
    written, text = REPORT.write(tmp_path / "run")
    assert json.loads(written.read_text())["date"] == "2026-11-26"
    assert text.read_text() == REPORT.as_text()


@pytest.mark.parametrize(
    ("given", "redacted"),
    [
        ("arn:aws:iam::111122223333:role/r", "arn:aws:iam::<account>:role/<name>"),
        (
            "User: arn:aws:sts::111122223333:assumed-role/Admin/jo@example.com is not authorized",
            "User: arn:aws:sts::<account>:assumed-role/<name> is not authorized",
        ),
        ("subnet-0123456789abcdef0 in vpc-01234567", "<subnet> in <vpc>"),
        ("key AKIAIOSFODNN7EXAMPLE", "key <key>"),
        ("https://b/k?X-Amz-Signature=abc&x=1", "https://b/k?<signature>&x=1"),
        ("my-bucket-1 and my-bucket-12", "<WorkspaceBucketName> and my-bucket-12"),
        ("Mine, but not Miners", "<stack>, but not Miners"),
        ("at 2026-11-26 after 12 s", "at 2026-11-26 after 12 s"),
    ],
)
def test_names_and_ids_are_replaced(given: str, redacted: str) -> None:
    assert redact(given, NAMES) == redacted
