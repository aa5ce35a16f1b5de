"""A consumer's own test, with the fixture that `cdk-code-interpreter[local]` brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apps import BETA, everything
from aws_cdk import App

from local_aws import LocalAws

PROGRAM = "open('result.txt', 'w').write('42'); print(6 * 7)"


def test_code_runs_in_every_copy_of_their_stage(local_aws: LocalAws, tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    everything(app)
    beta = app.synth().get_nested_assembly("assembly-Beta").directory

    deployed = local_aws.deploy(beta, account=BETA)

    assert {stack: len(outputs) for stack, outputs in deployed.items()} == {
        "Beta-us-east-1": 2,
        "Beta-eu-central-1": 1,
    }
    for stack, outputs in deployed.items():
        region = stack.removeprefix("Beta-")
        for function in outputs.values():
            response = invoke(local_aws.client("lambda", BETA, region), function)
            assert response["stdout"] == "42", response
            assert response["files_saved"] == ["code-interpreter/result.txt"]
        control = local_aws.client("bedrock-agentcore-control", BETA, region)
        listed = control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]
        assert len(listed) == len(outputs)

    local_aws.destroy(beta, account=BETA)

    for stack in deployed:
        control = local_aws.client("bedrock-agentcore-control", BETA, stack.removeprefix("Beta-"))
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
