"""The example `existing_vpc.py` in a VPC that its stack did not create."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.project import PROJECT

from .calling import Deployed
from .conftest import run_app

if TYPE_CHECKING:
    from local_aws import LocalAws

    from .conftest import Synthesise

EXAMPLE = "examples/existing_vpc.py"


@pytest.mark.parametrize(
    "context",
    [
        {"vpc-id": "vpc-0123456789abcdef0"},
        {},
        {"subnet-ids": "subnet-0123456789abcdef0"},
    ],
)
def test_without_its_context_it_says_how_to_give_it(context: dict[str, str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run_app(EXAMPLE, context)
    [line] = str(refused.value.code).splitlines()
    assert line.startswith("error: this app needs the ids of a VPC and of its subnets: -c vpc-id=")


@pytest.mark.slow
def test_an_app_that_is_refused_fails_and_prints_one_line() -> None:
    """As a process of its own, as with the CDK CLI; the others run in this process."""
    done = subprocess.run(
        [sys.executable, EXAMPLE], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    [line] = done.stderr.splitlines()
    assert line.startswith("error: this app needs the ids of a VPC")
    assert done.returncode == 1


def test_the_interpreter_uses_the_vpc_and_destroying_it_keeps_the_vpc(
    synthesise: Synthesise, local_aws: LocalAws, account: str
) -> None:
    ec2 = local_aws.client("ec2", account)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2)
    ]
    context = {"vpc-id": vpc, "subnet-ids": ",".join(subnets)}
    assembly = synthesise(EXAMPLE, context)
    deployed = Deployed.deploy(local_aws, account, assembly)

    network = local_aws.client("bedrock-agentcore-control", account).get_code_interpreter(
        codeInterpreterId=deployed.outputs["CodeInterpreterId"]
    )["networkConfiguration"]
    assert network["networkMode"] == "VPC"
    assert network["vpcConfig"]["subnets"] == subnets
    [group_id] = network["vpcConfig"]["securityGroups"]
    [group] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    assert group["VpcId"] == vpc
    assert group["IpPermissions"] == []
    assert [(rule["IpProtocol"], rule["ToPort"]) for rule in group["IpPermissionsEgress"]] == [
        ("tcp", 443)
    ]
    response = deployed.invoke(
        deployed.outputs["InvokeFunctionName"], {"tool": "execute_code", "code": "print(6 * 7)"}
    )
    assert (response["status"], response["stdout"]) == ("ok", "42")

    local_aws.destroy(assembly, account)
    ec2.describe_security_groups(GroupIds=[group_id])
    found = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    assert sorted(subnet["SubnetId"] for subnet in found) == sorted(subnets)
