"""The example `existing_vpc.py` in a VPC that something else has made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calling import Deployed

if TYPE_CHECKING:
    from local_aws import LocalAws

    from .conftest import Synthesise


def test_it_is_put_into_the_vpc_and_leaves_it_as_it_was(
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
    assert [(one["IpProtocol"], one["ToPort"]) for one in group["IpPermissionsEgress"]] == [
        ("tcp", 443)
    ]
    answer = deployed.invoke(
        deployed.outputs["InvokeFunctionName"], {"tool": "execute_code", "code": "print(6 * 7)"}
    )
    assert (answer["status"], answer["stdout"]) == ("ok", "42")

    local_aws.destroy(assembly, account)
    ec2.describe_security_groups(GroupIds=[group_id])
    found = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    assert sorted(one["SubnetId"] for one in found) == sorted(subnets)
