"""Call tools through a Gateway of others, in its own environment, and print what comes back.

Standard input has the target as JSON: its name, its tools and the function.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from localcore_gateway.testing import serve_gateway

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("execute_code", {"code": "print(6 * 7)"}),
    ("execute_code", {"code": "1 / 0"}),
    ("execute_command", {"command": "echo $((1 + 1))"}),
    ("workspace_list", {}),
]


async def use(url: str, target: str) -> dict[str, Any]:
    async with Client(url) as client:
        tools = [tool.name for tool in await client.list_tools()]
        responses = []
        for tool, arguments in CALLS:
            result = await client.call_tool(f"{target}___{tool}", arguments)
            [content] = result.content
            responses.append(json.loads(content.text))
    return {"tools": tools, "responses": responses}


target = json.load(sys.stdin)
function = {"backend": "aws", "aws_function": target["function"], "timeout_sec": 60}
described = {
    "type": "lambda",
    "name": target["name"],
    "lambda": function,
    "tools": target["tools"],
}
with serve_gateway({"targets": [described]}) as gateway:
    print(json.dumps(asyncio.run(use(gateway.url, target["name"]))))
