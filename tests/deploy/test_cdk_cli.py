"""Network modes changed into one another by the real CDK CLI; the demo has the sandbox mode."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_aws.cdk import Cdk
from local_aws.local_aws import ACCOUNT

from .deployment import Deployment, synthesise_project

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws


def test_public_becomes_vpc_and_goes(local_aws: LocalAws, tmp_path: Path) -> None:
    deployment = Deployment(local_aws, ACCOUNT)
    cdk = Cdk(local_aws, tmp_path)

    def assembly(name: str, **settings: Any) -> str:
        return f"--app={synthesise_project(tmp_path / name, settings).directory}"

    cdk.deploy(assembly("public", network="public"))
    public = deployment.only()
    assert public["networkConfiguration"] == {"networkMode": "PUBLIC"}

    vpc = assembly("vpc", network="vpc", alarms=True)
    cdk.deploy(vpc)
    replacement = deployment.only()
    assert replacement["networkConfiguration"]["networkMode"] == "VPC"
    assert replacement["codeInterpreterId"] != public["codeInterpreterId"]
    outputs = json.loads((tmp_path / "outputs.json").read_text())["CodeInterpreter"]
    assert outputs["CodeInterpreterId"] == replacement["codeInterpreterId"]
    assert deployment.works()

    cdk.destroy(vpc)
    assert deployment.code_interpreters() == {}
    assert deployment.status("CodeInterpreterNetwork") == "DELETE_COMPLETE"
