"""Gaps in MiniStack that the local AWS closes, one module for each: hence there are many.

| module | gap in MiniStack |
|---|---|
| authorization | IAM policies do not cover the code interpreter's API; decisions are not recorded |
| cloudformation_types | resource types and attributes are missing |
| code_interpreters | `AWS::BedrockAgentCore::CodeInterpreterCustom` is missing |
| custom_resources | a failed handler is not retried, nor a failed Create cleaned up; no limits |
| lambda_runtime | Python functions see the server's packages, and failures lack their type |
| lambda_updates | updating a function ends its running invocations |
| log_deliveries | the types of vended logs are missing, and deliveries to X-Ray |
| presigned_urls | expiry ignores the emulator's clock |
| quotas | quotas of Lambda, IAM and S3 are not enforced |
| resolver_types | DNS Firewall and query logs of Route 53 Resolver are missing |
| s3_condition_keys | policies cannot tell presigned URLs from other requests |
| stack_operations | updates pass that break another stack; failed clean-ups stay |
| stack_polling | DescribeStacks does not wait, and the CDK CLI then sleeps for five seconds |
| state_machines | ResultWriter, a quota, and the Output of Parallel in JSONata are ignored |
| vpc_endpoints | Amazon S3 does not know through which endpoint a request comes |

Importing this package imports MiniStack, which reads its settings from the environment then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_aws.ministack_patches import (
    authorization,
    cloudformation_types,
    code_interpreters,
    custom_resources,
    lambda_runtime,
    lambda_updates,
    log_deliveries,
    presigned_urls,
    quotas,
    resolver_types,
    stack_operations,
    stack_polling,
    state_machines,
    vpc_endpoints,
)
from local_aws.ministack_patches.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentcore_emulator.service.clock import ServiceClock

__all__ = ["install", "require"]


def install(
    *,
    lambda_python: Path,
    clock: Callable[[], ServiceClock],
    log: Callable[[str, str], None] | None = None,
) -> None:
    """Install every patch.

    :param lambda_python: the interpreter that runs Python functions.
    :param clock: returns the emulator's current clock, which a reset replaces.
    :param log: gets the name of each function that is invoked, and what the invocation logged.
    :raises MiniStackChangedError: if MiniStack lacks a name that a patch needs.
    """
    lambda_runtime.install(lambda_python, log)
    custom_resources.install()
    stack_operations.install()
    stack_polling.install()
    lambda_updates.install()
    cloudformation_types.install()
    log_deliveries.install()
    resolver_types.install()
    vpc_endpoints.install()
    code_interpreters.install()
    state_machines.install()
    quotas.install()
    authorization.install()
    presigned_urls.install(clock)
