"""The real CDK CLI deploys changes and reports failures, in every network mode.

The CLI mostly waits, so the test deploys stacks side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2

from cdk_code_interpreter import CodeInterpreter, Network
from local_aws.cdk import Cdk, CdkError
from local_aws.local_aws import ACCOUNT, REGION
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings

from .deployment import Deployment, synthesise

if TYPE_CHECKING:
    from pathlib import Path

    from local_aws import LocalAws

SIDE_BY_SIDE = ("--concurrency", "5")
STACKS = ("CodeInterpreter", "Tagged", "Renamed", "Unchanged")
LEAVING = "leaving"
SESSIONS = 25


@pytest.mark.slow
def test_the_cli_deploys_changes_rolls_back_failures_and_destroys(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    deployment = Deployment(local_aws, ACCOUNT)
    # The account is not bootstrapped; the CLI needs the bucket for assets.
    assets = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    deployment.client("s3").create_bucket(Bucket=assets)
    control = deployment.client("bedrock-agentcore-control")
    taken = control.create_code_interpreter(
        name="taken", networkConfiguration={"networkMode": "SANDBOX"}
    )["codeInterpreterId"]
    cdk = Cdk(local_aws, tmp_path)
    vpc_id, subnet_id = new_network(deployment.client("ec2"))

    def before(app: App) -> None:
        CodeInterpreterStack(app, "CodeInterpreter", settings=Settings(description="first"))
        alone(app, "Tagged", network=Network.public(), tags={"team": "data", "stage": "test"})
        CodeInterpreter(alone(app, "Renamed", name="before"), "Leaving", name=LEAVING)
        alone(app, "Unchanged", name="unchanged")
        alone(app, "Failed", name="taken")

    def after(app: App) -> None:
        CodeInterpreterStack(app, "CodeInterpreter", settings=Settings(description="second"))
        alone(app, "Tagged", network=Network.public(), tags={"team": "science"})
        stack = Stack(app, "Renamed")
        vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id=vpc_id, availability_zones=["a"])
        subnets = [ec2.Subnet.from_subnet_id(stack, "Subnet", subnet_id)]
        network = Network.vpc(vpc, subnets=ec2.SubnetSelection(subnets=subnets))
        CodeInterpreter(stack, "One", name="after", network=network)
        alone(app, "Unchanged", name="taken")

    with pytest.raises(CdkError, match="already exists"):
        cdk.deploy(assembly(before, tmp_path / "before"), *SIDE_BY_SIDE)
    assert deployment.status("Failed") == "ROLLBACK_COMPLETE"
    assert len(deployment.code_interpreters()) == len(STACKS) + len((LEAVING, taken))
    first = {name: interpreter_of(deployment, name) for name in STACKS}
    assert deployment.works()

    with pytest.raises(CdkError, match="already exists"):
        cdk.deploy(assembly(after, tmp_path / "after"), *SIDE_BY_SIDE)
    assert deployment.status("Unchanged") == "UPDATE_ROLLBACK_COMPLETE"
    assert len(deployment.code_interpreters()) == len(STACKS) + len((taken,))
    second = {name: interpreter_of(deployment, name) for name in STACKS}
    assert second["Unchanged"] == first["Unchanged"]
    assert second["Tagged"] == first["Tagged"]
    assert deployment.tags(second["Tagged"]["codeInterpreterArn"]) == {"team": "science"}
    assert second["Tagged"]["networkConfiguration"] == {"networkMode": "PUBLIC"}
    assert second["CodeInterpreter"]["description"] == "second"
    assert second["CodeInterpreter"]["networkConfiguration"] == {"networkMode": "SANDBOX"}
    assert second["Renamed"]["name"] == "after"
    assert second["Renamed"]["networkConfiguration"]["networkMode"] == "VPC"
    assert deployment.works()

    for _ in range(SESSIONS):
        deployment.start_session(second["CodeInterpreter"]["codeInterpreterId"])
    cdk.destroy(*SIDE_BY_SIDE, app=str(tmp_path / "after"))
    assert deployment.code_interpreters().keys() == {taken}
    control.delete_code_interpreter(codeInterpreterId=taken)


def alone(app: App, stack_name: str, **properties: Any) -> Stack:
    """Define a stack with nothing but a code interpreter."""
    stack = Stack(app, stack_name)
    CodeInterpreter(stack, "One", **properties)
    return stack


def assembly(define: Any, directory: Path) -> str:
    return f"--app={synthesise(define, directory).directory}"


def interpreter_of(deployment: Deployment, stack_name: str) -> dict[str, Any]:
    """Return the code interpreter of a stack that is not about to leave it."""
    ids = deployment.resources(stack_name).values()
    interpreters = deployment.code_interpreters()
    found = [interpreters[key] for key in interpreters.keys() & set(ids)]
    [staying] = [interpreter for interpreter in found if interpreter["name"] != LEAVING]
    return staying


def new_network(client: Any) -> tuple[str, str]:
    vpc_id = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc_id, CidrBlock="10.0.0.0/24")["Subnet"]
    return vpc_id, subnet["SubnetId"]
