"""The app warns about a public network, checks itself, and reports a wrong setting in a line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Annotations, Match

import app as project
from tests.project import PROJECT

FLAGS = json.loads((PROJECT / "cdk.json").read_text())["context"]

EXISTING_VPC = {
    "network": "vpc",
    "vpc-id": "vpc-0123456789abcdef0",
    "subnet-ids": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
}
EVERYTHING: dict[str, Any] = {
    **EXISTING_VPC,
    "name": "mine",
    "description": "for tests",
    "security-group-ids": ["sg-0123456789abcdef0"],
    "managed-policy-arns": ["arn:aws:iam::123456789012:policy/mine"],
    "certificate-secret-arns": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:ca-AbCdEf"],
    "filesystems": [
        {
            "type": "efs",
            "file-system-arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1",
            "access-point-arn": (
                "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1"
            ),
            "mount-path": "/mnt/data",
            "security-group-id": "sg-0123456789abcdef1",
        }
    ],
    "tags": {"team": "data"},
    "workspace-retention": "destroy",
    "workspace-expiration-days": 7,
    "alarms": True,
}
PLATFORM: dict[str, Any] = {
    "stack-name": "Analysis",
    "account": "123456789012",
    "region": "eu-central-1",
    "termination-protection": True,
    "permissions-boundary-arn": "arn:aws:iam::123456789012:policy/boundary",
    "compliance": True,
    "network": "vpc",
    "vpc-internet": True,
    "interpreter-retention": "retain",
    "idle-limit-seconds": 1_800,
    "warm-spare": True,
    "function-reserved-concurrency": 20,
    "function-vpc-id": "vpc-0123456789abcdef1",
    "function-subnet-ids": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"],
    "workspace-prefix": "team/files",
    "workspace-retention": "destroy",
    "workspace-versioning": True,
    "access-log-bucket-name": "access-logs",
    "kms-key-arn": "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    "log-retention-days": 365,
    "log-group-retention": "retain",
    "tracing": True,
    "alarms": True,
    "alarm-email": "ops@example.com",
    "service-logs": ["application", "traces", "usage"],
}
EXISTING: dict[str, Any] = {
    "compliance": True,
    "function-reserved-concurrency": 20,
    "function-vpc-id": "vpc-0123456789abcdef1",
    "function-subnet-ids": ["subnet-0123456789abcdef2"],
    "function-security-group-ids": ["sg-0123456789abcdef5"],
    "workspace-bucket-name": "theirs",
    "kms-key-arn": "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    "alarms": True,
    "alarm-topic-arn": "arn:aws:sns:us-east-1:123456789012:alarms",
}
LIMITS: dict[str, Any] = {
    **EXISTING_VPC,
    "name": "n" * 48,
    "description": "d" * 4096,
    "subnet-ids": [f"subnet-{number:017x}" for number in range(16)],
    "security-group-ids": [f"sg-{number:017x}" for number in range(16)],
    "certificate-secret-arns": [
        f"arn:aws:secretsmanager:us-east-1:123456789012:secret:ca/{number:020}-AbCdEf"
        for number in range(200)
    ],
    "tags": {f"{number:0128}": "v" * 256 for number in range(47)},
    "session-timeout-seconds": 28_800,
    "function-memory-mib": 10_240,
    "function-timeout-seconds": 1_800,
    "workspace-expiration-days": 3_650,
}
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "sandbox": {},
    "public": {"network": "public"},
    "new-vpc": {"network": "vpc"},
    "new-vpc-with-internet": {"network": "vpc", "vpc-internet": True},
    "existing-vpc": EXISTING_VPC,
    "sealed": {"network": "sealed"},
    "sealed-without-data-path": {"network": "sealed", "sealed-data-path": False},
    "sealed-with-links": {
        "network": "sealed",
        "sealed-links": True,
        "s3-prefix-list-id": "pl-0123456789abcdef0",
    },
    "everything": EVERYTHING,
    "platform": PLATFORM,
    "platform-existing": EXISTING,
}
# Those of which no golden file is kept.
OTHER_DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "aws-managed-policies": {
        "managed-policy-arns": [
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws-us-gov:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        ]
    },
    "limits": LIMITS,
    "sealed-platform": {
        **{key: value for key, value in PLATFORM.items() if key != "vpc-internet"},
        "network": "sealed",
    },
}
ALL_DEPLOYMENTS = {**DEPLOYMENTS, **OTHER_DEPLOYMENTS}
PUBLIC_WARNING = ["/CodeInterpreter/CodeInterpreter"]


def warned_about(app: App) -> list[str]:
    """Return the construct of each warning in the app's main stack."""
    name = app.node.try_get_context("code-interpreter:stack-name") or "CodeInterpreter"
    stack = app.node.find_child(name)
    assert isinstance(stack, Stack)
    annotations = Annotations.from_stack(stack)
    return [found.id for found in annotations.find_warning("*", Match.any_value())]


# The tests of the golden templates have the other deployments.
@pytest.mark.parametrize(
    "name",
    [
        # `test_200_certificates_fit_into_the_policies_of_a_role` has the large part of "limits".
        pytest.param(name, marks=pytest.mark.slow if name == "limits" else ())
        for name in ("public", *OTHER_DEPLOYMENTS)
    ],
)
def test_only_the_public_network_is_warned_about(name: str) -> None:
    app = App(context={**FLAGS, **namespaced(ALL_DEPLOYMENTS[name])})
    project.build(app)
    assert warned_about(app) == PUBLIC_WARNING * (name == "public")


@pytest.mark.parametrize(
    ("name", "acknowledgement", "finding"),
    [
        ("sandbox", "workspace.acknowledge", "AwsSolutions-S1"),
        ("platform", "workspace.acknowledge_rule", "NIST.800.53.R5-S3BucketReplicationEnabled"),
    ],
)
def test_cdk_nag_runs_at_every_synth(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    acknowledgement: str,
    finding: str,
) -> None:
    """A missing acknowledgement is a finding, in the compliance packs, too."""
    monkeypatch.setattr(f"cdk_code_interpreter.{acknowledgement}", lambda *_: None)
    context = {**FLAGS, **namespaced(ALL_DEPLOYMENTS[name])}
    app = App(outdir=str(tmp_path), context=context)
    project.build(app)
    with pytest.raises(RuntimeError, match=re.escape(finding)):
        app.synth()


def test_a_wrong_setting_ends_in_one_clear_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "App", lambda: App(context={"code-interpreter:netwrok": "public"}))
    assert project.main() == 1
    output, errors = capfd.readouterr()
    [line] = errors.splitlines()
    assert line.startswith("error: context key 'code-interpreter:netwrok' is unknown")
    assert output == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["everything", "platform", "platform-existing"])
def test_settings_of_the_command_line_are_those_of_cdk_json(tmp_path: Path, name: str) -> None:
    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=PROJECT,
        env={
            **os.environ,
            "CDK_OUTDIR": str(tmp_path),
            "CDK_CONTEXT_JSON": json.dumps({**FLAGS, **namespaced(as_text(DEPLOYMENTS[name]))}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    golden = PROJECT / "tests/golden/templates/app" / f"{name}.json"
    for stack, template in json.loads(golden.read_text()).items():
        found = json.loads((tmp_path / f"{stack}.template.json").read_text())["Resources"]
        found.pop("CDKMetadata", None)
        assert without_asset_hashes(found) == template["Resources"]


def as_text(settings: dict[str, Any]) -> dict[str, str]:
    """Return settings as the CDK CLI hands values of `--context` to the app."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
    }


def without_asset_hashes(resources: dict[str, Any]) -> dict[str, Any]:
    text = re.sub(r"\b[0-9a-f]{64}\b", "<asset>", json.dumps(resources))
    found: dict[str, Any] = json.loads(text)
    return found


def has_network_stack(settings: dict[str, Any]) -> bool:
    return settings.get("network") in ("vpc", "sealed") and "vpc-id" not in settings


def namespaced(settings: dict[str, Any]) -> dict[str, Any]:
    return {f"code-interpreter:{key}": value for key, value in settings.items()}
