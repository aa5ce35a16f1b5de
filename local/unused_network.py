"""Name the network that an earlier deployment left, and how to remove it.

`make deploy` runs this program after the CDK CLI. AgentCore keeps network interfaces in the subnets
for up to 8 hours, so that no deployment can remove the stack together with the code interpreter.
"""

from __future__ import annotations

import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from deployed_stacks import read_output, read_profile, read_regions

# The end of the name of the network's stack, after the name of the code interpreter's.
SUFFIX = "Network"
NOTE = """\
note: the stack {stack} is still there, and the code interpreter is no longer in its VPC.
      {cost}
      AgentCore can keep network interfaces in it for up to 8 hours; then remove it:
      make destroy-network"""
SAME_CONTEXT = ", with the CONTEXT of this deployment"
NAT_COST = "Its NAT gateway costs about 1.20 USD a day in us-east-1, and its flow log by volume."
LOG_COST = "It has no NAT gateway; only its flow log costs, by volume."


def main() -> None:
    regions = read_regions(read_output())
    if len(regions) > 1:
        return  # the network is in use
    [(name, region)] = regions.items()
    stack = name + SUFFIX
    types = resource_types(stack, region)
    if types:
        cost = NAT_COST if "AWS::EC2::NatGateway" in types else LOG_COST
        note = NOTE.format(stack=stack, cost=cost)
        if name != "CodeInterpreter":
            note += SAME_CONTEXT
        print(note, file=sys.stderr)  # noqa: T201 - a program for a terminal


def resource_types(stack: str, region: str | None) -> set[str]:
    """Return the types of the stack's resources; none if there is no such stack to be seen."""
    try:
        session = boto3.Session(profile_name=read_profile(), region_name=region)
        cloudformation = session.client("cloudformation")
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except (BotoCoreError, ClientError):
        return set()
    return {resource["ResourceType"] for resource in found}


if __name__ == "__main__":
    main()
