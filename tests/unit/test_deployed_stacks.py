"""The programs that `make` runs after the CDK CLI."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import deployed_stacks
import kept_bucket
import pytest
import unused_network
from botocore.exceptions import ClientError, ProfileNotFound


def write_assembly(folder: Path, *stacks: str) -> None:
    folder.mkdir(parents=True)
    artifacts = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/us-east-1",
            "properties": {"templateFile": f"{name}.template.json"},
        }
        for name in stacks
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ([], "cdk.out"),
        (["-c", "a=b", "--output", "build/mine"], "build/mine"),
        (["-obuild"], "build"),
    ],
)
def test_the_written_templates_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    folder: str,
) -> None:
    write_assembly(tmp_path / folder, "Mine", "MineNetwork")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["program", *options])
    deployed_stacks.main()
    assert capsys.readouterr().out == (
        f"wrote {folder}/Mine.template.json\nwrote {folder}/MineNetwork.template.json\n"
    )


@pytest.mark.parametrize(
    ("program", "assembly"), [(kept_bucket, ".cache/destroy"), (unused_network, "cdk.out")]
)
def test_a_program_uses_the_profile_of_the_cdk_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: ModuleType, assembly: str
) -> None:
    """A profile that there is not is no error: the CDK CLI has reported it."""
    write_assembly(tmp_path / assembly, "Mine")
    monkeypatch.chdir(tmp_path)
    options = ["-c", "code-interpreter:tags=a=b", "--profile", "mine", "--profiles"]
    monkeypatch.setattr("sys.argv", ["program", *options])
    profiles: list[str | None] = []

    def session(*, profile_name: str | None, **_: object) -> None:
        profiles.append(profile_name)
        raise ProfileNotFound(profile=profile_name)

    monkeypatch.setattr("boto3.Session", session)
    program.main()
    assert profiles == ["mine"]


class FakeSession:
    """An account in which a stack was deleted twice, and left a bucket each time."""

    def __init__(self) -> None:
        self.statuses = {"1": "DELETE_COMPLETE", "2": "DELETE_COMPLETE"}
        self.deleted_bucket = ""

    def client(self, _: str) -> Any:
        return SimpleNamespace(get_paginator=self.paginator, head_bucket=self.head_bucket)

    def paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_stacks(self) -> list[dict[str, Any]]:
        return [
            {"StackSummaries": [{"StackName": "Mine", "StackId": id_, "StackStatus": status}]}
            for id_, status in self.statuses.items()
        ]

    def describe_stack_events(self, **request: str) -> list[dict[str, Any]]:
        return [
            {
                "StackEvents": [
                    {
                        "PhysicalResourceId": f"{status}-{request['StackName']}".lower(),
                        "ResourceType": "AWS::S3::Bucket",
                        "ResourceStatus": status,
                    }
                ]
            }
            for status in ("DELETE_SKIPPED", "DELETE_COMPLETE")
        ]

    def head_bucket(self, **request: str) -> None:
        if request["Bucket"] == self.deleted_bucket:
            raise ClientError({}, "HeadBucket")


def test_the_buckets_of_all_deletions_are_found_until_they_are_deleted() -> None:
    session: Any = FakeSession()
    assert list(kept_bucket.kept_buckets("Mine", session)) == [
        "delete_skipped-1",
        "delete_skipped-2",
    ]
    session.deleted_bucket = "delete_skipped-1"
    assert list(kept_bucket.kept_buckets("Mine", session)) == ["delete_skipped-2"]
    assert list(kept_bucket.kept_buckets("Other", session)) == []


def test_no_bucket_is_named_while_the_stack_is_there() -> None:
    session: Any = FakeSession()
    session.statuses["3"] = "CREATE_COMPLETE"
    assert list(kept_bucket.kept_buckets("Mine", session)) == []
