"""A sandbox, used through the AgentCore API alone."""

from __future__ import annotations

from typing import Any

Result = dict[str, Any]


class Sandbox:
    """A started session of a code interpreter.

    :param client: A boto3 client of the data plane that never repeats a call.
    """

    def __init__(self, client: Any, interpreter_id: str, session_id: str) -> None:
        self.interpreter_id = interpreter_id
        self.session_id = session_id
        self._client = client

    def invoke(self, tool: str, *, client: Any = None, **arguments: Any) -> Result:
        """Use a tool, and return its result, merged from all events.

        :param client: Default: the sandbox's own client.
        """
        response = (client or self._client).invoke_code_interpreter(
            codeInterpreterIdentifier=self.interpreter_id,
            sessionId=self.session_id,
            name=tool,
            arguments=arguments,
        )
        merged: Result = {"content": [], "structuredContent": {}, "isError": False}
        for event in response["stream"]:
            result = event.get("result", {})
            merged["content"] += result.get("content", [])
            merged["structuredContent"] |= result.get("structuredContent", {})
            merged["isError"] |= result.get("isError", False)
        return merged

    def python(self, code: str, **arguments: Any) -> Result:
        return self.invoke("executeCode", code=code, language="python", **arguments)

    def command(self, command: str) -> str:
        """Run a command, and return its output with the line ends of Unix, without the last."""
        result = self.invoke("executeCommand", command=command)["structuredContent"]
        return str(result["stdout"] + result["stderr"]).replace("\r", "").rstrip("\n")

    def write(self, path: str, text: str) -> Result:
        return self.invoke("writeFiles", content=[{"path": path, "text": text}])

    def exists(self, path: str) -> bool:
        return self.command(f"test -e {path} && echo yes || echo no") == "yes"


def stdout(result: Result) -> str:
    return str(result["structuredContent"].get("stdout", ""))


def stderr(result: Result) -> str:
    return str(result["structuredContent"].get("stderr", ""))


def text(result: Result) -> str:
    return "".join(block.get("text", "") for block in result["content"])
