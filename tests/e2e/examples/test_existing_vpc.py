"""The example `existing_vpc.py` in a VPC that its stack did not create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calling import Deployed

if TYPE_CHECKING:
    from local_aws import LocalAws

    from .conftest import Synthesise


def test_the_interpreter_uses_the_vpc_and_destroying_it_keeps_the_vpc(
    synthesise: Synthesise, local_aws: LocalAws, account: str
) -> None:
    ec2 = local_aws.client("ec2", account)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2)
    ]
    assembly = synthesise(
        "examples/existing_vpc.py", {"vpc-id": vpc, "subnet-ids": ",".join(subnets)}
    )
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
