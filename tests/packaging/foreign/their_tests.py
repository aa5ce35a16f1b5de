"""A consumer's own test, with the fixture that `cdk-code-interpreter[local]` brings.

It deploys the cloud assemblies in the folder that the variable `ASSEMBLIES` names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from local_aws import LocalAws

ACCOUNT, REGION = "222222222222", "eu-central-1"
PROGRAM = "open('result.txt', 'w').write('42'); print(6 * 7)"


def test_code_runs_in_their_stage(local_aws: LocalAws) -> None:
    production = Path(os.environ["ASSEMBLIES"], "everything", "assembly-Production")

    [(name, outputs)] = local_aws.deploy(production, account=ACCOUNT).items()

    assert name == f"Production-{REGION}"
    [function] = outputs.values()
    response = invoke(local_aws.client("lambda", ACCOUNT, REGION), function)
    assert response["stdout"] == "42", response
    assert response["files_saved"] == ["code-interpreter/result.txt"]
    control = local_aws.client("bedrock-agentcore-control", ACCOUNT, REGION)
    assert len(control.list_code_interpreters(type="CUSTOM")["codeInterpreterSummaries"]) == 1

    local_aws.destroy(production, account=ACCOUNT)

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
