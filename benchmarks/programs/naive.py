"""The handler that a user would write with boto3, for the same work."""

from __future__ import annotations

import os
from typing import Any

import boto3

agentcore = boto3.client("bedrock-agentcore")
s3 = boto3.client("s3")
IDENTIFIER = os.environ["CODE_INTERPRETER_ID"]
BUCKET = os.environ["WORKSPACE_BUCKET"]


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Run code in a sandbox of its own, and save the file that it writes."""
    session = start()
    try:
        [*_, result] = invoke(session, "executeCode", language="python", code=event["code"])
        save(session, event["output_filename"])
        return {"status": "ok", "stdout": result["structuredContent"].get("stdout")}
    finally:
        stop(session)


def start() -> str:
    started = agentcore.start_code_interpreter_session(
        codeInterpreterIdentifier=IDENTIFIER, sessionTimeoutSeconds=900
    )
    return str(started["sessionId"])


def stop(session: str) -> None:
    agentcore.stop_code_interpreter_session(codeInterpreterIdentifier=IDENTIFIER, sessionId=session)


def invoke(session: str, name: str, **arguments: Any) -> list[dict[str, Any]]:
    response = agentcore.invoke_code_interpreter(
        codeInterpreterIdentifier=IDENTIFIER, sessionId=session, name=name, arguments=arguments
    )
    return [event["result"] for event in response["stream"] if "result" in event]


def save(session: str, *paths: str) -> None:
    [*_, result] = invoke(session, "readFiles", paths=list(paths))
    for path, block in zip(paths, result["content"], strict=True):
        resource = block["resource"]
        body = resource["blob"] if "blob" in resource else resource["text"].encode()
        s3.put_object(Bucket=BUCKET, Key=f"workspace/naive/{path}", Body=body)
