"""Let DescribeStacks wait for a stack that is about to be ready.

The CDK CLI looks at a stack at once, and then every five seconds; here most stacks are ready after
one. CloudFormation responds without waiting, but a client cannot tell that from a slow network.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers

from local_aws.ministack_patches.requirements import require

Response = tuple[int, dict[str, str], bytes]

LONGEST_WAIT_SECONDS = 20
PAUSE_SECONDS = 0.05


def install() -> None:
    """Make DescribeStacks of one stack wait until its operation ends, within a limit."""
    require(cloudformation, ["handle_request"])
    require(handlers, ["_ACTION_HANDLERS", "_p", "_resolve_stack"])
    stock_describe = handlers._ACTION_HANDLERS["DescribeStacks"]
    stock_handle = cloudformation.handle_request

    async def describe(parameters: dict[str, Any]) -> Response:
        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST_WAIT_SECONDS
        name = handlers._p(parameters, "StackName")
        while name and is_changing(name) and loop.time() < until:
            await asyncio.sleep(PAUSE_SECONDS)
        response: Response = stock_describe(parameters)
        return response

    async def handle_request(*arguments: Any) -> Response:
        # MiniStack's actions return a response, and `describe` a coroutine.
        result: Any = await stock_handle(*arguments)
        response: Response = await result if inspect.isawaitable(result) else result
        return response

    handlers._ACTION_HANDLERS["DescribeStacks"] = describe
    cloudformation.handle_request = handle_request


def is_changing(name: str) -> bool:
    """Tell whether an operation changes the stack with this name or id."""
    stack = handlers._resolve_stack(name)
    if not stack or stack["StackStatus"] == "REVIEW_IN_PROGRESS":  # which waits for a change set
        return False
    return str(stack["StackStatus"]).endswith("_IN_PROGRESS")
