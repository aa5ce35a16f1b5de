from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Annotations as Annotate
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Annotations, Match, Template

from cdk_code_interpreter import CodeInterpreter, Network

from .templates import only


@pytest.fixture
def vpc(stack: Stack) -> ec2.Vpc:
    Annotate.of(stack).acknowledge_warning("cdk-code-interpreter:vpcOfOwnStack", "for brevity")
    return ec2.Vpc(stack, "Vpc")


def test_a_vpc_gives_its_private_subnets_and_a_group_of_its_own(stack: Stack, vpc: ec2.Vpc) -> None:
    CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    [group] = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup")
    assert only(stack, "Custom::CodeInterpreter")["NetworkConfiguration"] == {
        "NetworkMode": "VPC",
        "VpcConfig": {
            "Subnets": [stack.resolve(subnet.subnet_id) for subnet in vpc.private_subnets],
            "SecurityGroups": [{"Fn::GetAtt": [group, "GroupId"]}],
        },
    }


def test_the_group_lets_nothing_in_or_out_and_stays(stack: Stack, vpc: ec2.Vpc) -> None:
    CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    Template.from_stack(stack).has_resource(
        "AWS::EC2::SecurityGroup",
        {
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "SecurityGroupIngress": Match.absent(),
                "SecurityGroupEgress": [Match.object_like({"CidrIp": "255.255.255.255/32"})],
            },
        },
    )


def test_connections_open_the_group(stack: Stack, vpc: ec2.Vpc) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    [egress] = only(stack, "AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert (egress["CidrIp"], egress["FromPort"], egress["ToPort"]) == ("0.0.0.0/0", 443, 443)


def test_other_resources_can_allow_it_in(stack: Stack, vpc: ec2.Vpc) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    database = ec2.SecurityGroup(stack, "Database", vpc=vpc)
    database.connections.allow_from(interpreter, ec2.Port.tcp(5432))
    assert only(stack, "AWS::EC2::SecurityGroupIngress")["FromPort"] == 5432


def test_subnets_and_groups_can_be_chosen(stack: Stack, vpc: ec2.Vpc) -> None:
    subnet = vpc.private_subnets[0]
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    network = Network.vpc(
        vpc, subnets=ec2.SubnetSelection(subnets=[subnet]), security_groups=[group]
    )
    CodeInterpreter(stack, "Interpreter", network=network)
    assert only(stack, "Custom::CodeInterpreter")["NetworkConfiguration"]["VpcConfig"] == {
        "Subnets": [stack.resolve(subnet.subnet_id)],
        "SecurityGroups": [stack.resolve(group.security_group_id)],
    }
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroup", 1)


def test_one_network_serves_two_code_interpreters(stack: Stack, vpc: ec2.Vpc) -> None:
    network = Network.vpc(vpc)
    CodeInterpreter(stack, "One", network=network)
    CodeInterpreter(stack, "Two", network=network)
    Template.from_stack(stack).resource_count_is("AWS::EC2::SecurityGroup", 2)


@pytest.mark.parametrize("network", [Network.sandbox(), Network.public()])
def test_fails_to_connect_outside_a_vpc(stack: Stack, network: Network) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter", network=network)
    with pytest.raises(ValueError, match=r"in no VPC.*use network=Network\.vpc"):
        _ = interpreter.connections


# warnings


def test_no_egress_is_warned_about(stack: Stack, vpc: ec2.Vpc) -> None:
    CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    assert warnings(stack) == ["noEgress"]


@pytest.mark.parametrize(
    "allow",
    [
        lambda interpreter, _: interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS),
        lambda interpreter, other: interpreter.connections.allow_to(other, ec2.Port.tcp(5432)),
    ],
)
def test_egress_is_not_warned_about(stack: Stack, vpc: ec2.Vpc, allow: Any) -> None:
    interpreter = CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    allow(interpreter, ec2.SecurityGroup(stack, "Database", vpc=vpc))
    assert warnings(stack) == []


@pytest.mark.parametrize("all_outbound", [True, False])
def test_egress_of_the_users_own_groups_is_checked(
    stack: Stack, vpc: ec2.Vpc, all_outbound: bool
) -> None:
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc, allow_all_outbound=all_outbound)
    network = Network.vpc(vpc, security_groups=[group])
    CodeInterpreter(stack, "Interpreter", network=network)
    assert warnings(stack) == ([] if all_outbound else ["noEgress"])


def test_imported_groups_count_as_groups_with_egress(stack: Stack, vpc: ec2.Vpc) -> None:
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-0123456789abcdef0")
    network = Network.vpc(vpc, security_groups=[group])
    CodeInterpreter(stack, "Interpreter", network=network)
    assert warnings(stack) == []


@pytest.mark.parametrize("own", [True, False])
def test_a_vpc_that_cannot_go_with_its_stack_is_warned_about(app: App, own: bool) -> None:
    stack = Stack(app, "Test")
    vpc = ec2.Vpc(stack if own else Stack(app, "Network"), "Vpc")
    interpreter = CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc))
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    assert warnings(stack) == (["vpcOfOwnStack"] if own else [])


def test_public_subnets_are_warned_about(stack: Stack, vpc: ec2.Vpc) -> None:
    interpreter = vpc_interpreter(
        stack, vpc, ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    )
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    Annotations.from_stack(stack).has_warning(
        "/Test/Interpreter",
        Match.string_like_regexp("Test/Vpc/PublicSubnet1, .* are public.*choose private subnets"),
    )


def test_unsupported_zones_are_warned_about(stack: Stack, vpc: ec2.Vpc) -> None:
    subnets = [subnet_in(stack, zone) for zone in ("use1-az1", "use1-az3")]
    interpreter = vpc_interpreter(stack, vpc, ec2.SubnetSelection(subnets=subnets))
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    assert warnings(stack) == ["unsupportedZone:use1-az3"]
    Annotations.from_stack(stack).has_warning(
        "/Test/Interpreter",
        Match.string_like_regexp("zone use1-az3, .* use1-az1, use1-az2, use1-az4; choose"),
    )


def test_zones_that_are_set_by_id_are_known(stack: Stack, vpc: ec2.Vpc) -> None:
    definition = vpc.private_subnets[0].node.default_child
    assert isinstance(definition, ec2.CfnSubnet)
    definition.availability_zone_id = "use1-az6"
    interpreter = vpc_interpreter(stack, vpc, ec2.SubnetSelection())
    interpreter.connections.allow_to_any_ipv4(ec2.Port.HTTPS)
    assert warnings(stack) == ["unsupportedZone:use1-az6"]


@pytest.mark.parametrize(
    ("region", "reported"), [("us-east-1", True), ("us-west-1", False), (None, False)]
)
def test_unknown_zones_are_reported_in_regions_with_a_list_of_zones(
    app: App, region: str | None, reported: bool
) -> None:
    env = Environment(region=region, account="123456789012") if region else None
    stack = Stack(app, "Test", env=env)
    subnet = ec2.Subnet.from_subnet_id(stack, "Subnet", "subnet-0123456789abcdef0")
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"])
    vpc_interpreter(stack, vpc, ec2.SubnetSelection(subnets=[subnet]))
    found = Annotations.from_stack(stack).find_info(
        "*", Match.string_like_regexp("use1-az1, use1-az2, use1-az4.*describe-subnets")
    )
    assert bool(found) is reported


def test_nothing_is_reported_when_every_zone_is_known(app: App) -> None:
    env = Environment(region="us-east-1", account="123456789012")
    stack = Stack(app, "Test", env=env)
    vpc = ec2.Vpc.from_vpc_attributes(stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"])
    subnets = ec2.SubnetSelection(subnets=[subnet_in(stack, "use1-az1")])
    vpc_interpreter(stack, vpc, subnets)
    assert not Annotations.from_stack(stack).find_info("*", Match.any_value())


@pytest.mark.parametrize("count", [0, 17])
def test_fails_on_too_few_or_many_subnets(stack: Stack, vpc: ec2.Vpc, count: int) -> None:
    subnets = ec2.SubnetSelection(subnets=[vpc.private_subnets[0]] * count)
    with pytest.raises(ValueError, match=f"{count} subnets are given.*1 to 16.*subnets="):
        vpc_interpreter(stack, vpc, subnets)


@pytest.mark.parametrize("count", [0, 17])
def test_fails_on_too_few_or_many_groups(stack: Stack, vpc: ec2.Vpc, count: int) -> None:
    group = ec2.SecurityGroup(stack, "Group", vpc=vpc)
    with pytest.raises(ValueError, match=f"{count} security groups.*1 to 16.*security_groups="):
        Network.vpc(vpc, security_groups=[group] * count)


def vpc_interpreter(stack: Stack, vpc: ec2.IVpc, subnets: ec2.SubnetSelection) -> CodeInterpreter:
    return CodeInterpreter(stack, "Interpreter", network=Network.vpc(vpc, subnets=subnets))


def subnet_in(stack: Stack, zone: str) -> ec2.ISubnet:
    return ec2.Subnet.from_subnet_attributes(
        stack, zone, subnet_id=f"subnet-{zone}", availability_zone=zone, route_table_id="rtb-1"
    )


def warnings(stack: Stack) -> list[str]:
    """Return the names of the library's warnings."""
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    ours = [
        str(message.entry.data)
        for message in found
        if "[ack: cdk-code-interpreter:" in str(message.entry.data)
    ]
    return [text.rpartition("[ack: cdk-code-interpreter:")[2].rstrip("]") for text in ours]
