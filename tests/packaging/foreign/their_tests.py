"""A consumer's own test, with the fixture that `cdk-code-interpreter[local]` brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apps import BETA, Everything
from aws_cdk import App, Environment, Stack, Stage

from local_aws import LocalAws

REGION = "eu-central-1"
PROGRAM = "open('result.txt', 'w').write('42'); print(6 * 7)"


def test_code_runs_in_their_stage(local_aws: LocalAws, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    stack = Stack(Stage(app, "Beta"), REGION, env=Environment(account=BETA, region=REGION))
    Everything(stack, "Everything")
    beta = app.synth().get_nested_assembly("assembly-Beta").directory

    [(name, outputs)] = local_aws.deploy(beta, account=BETA).items()

    assert name == f"Beta-{REGION}"
    [function] = outputs.values()
    response = invoke(local_aws.client("lambda", BETA, REGION), function)
    assert response["stdout"] == "42", response
    assert response["files_saved"] == ["code-interpreter/result.txt"]
    control = local_aws.client("bedrock-agentcore-control", BETA, REGION)
    assert len(control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]) == 1

    local_aws.destroy(beta, account=BETA)

    assert control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"] == []


def invoke(client: Any, function: str) -> dict[str, Any]:
    event = {
        "tool": "execute_code",
        "session": "theirs",
        "code": PROGRAM,
        "output_filename": "result.txt",
    }
    response = client.invoke(FunctionName=function, Payload=json.dumps(event))
    return dict(json.load(response["Payload"]))
