from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Match, Template

from cdk_code_interpreter import SUPPORTED_ZONE_IDS, CodeInterpreter
from stacks.network_stack import NetworkStack, SealedNetworkStack
from stacks.settings import Settings
from tests.unit.constructs.everything import new_app


def settings(*, internet: bool) -> Settings:
    return Settings(network="vpc", vpc_internet=internet)


@pytest.fixture(scope="module", params=[False, True], ids=["isolated", "internet"])
def internet(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def template(internet: bool) -> Template:
    app = new_app()
    return Template.from_stack(NetworkStack(app, "Network", settings=settings(internet=internet)))


def test_there_is_a_way_to_the_internet_only_when_asked(template: Template, internet: bool) -> None:
    template.resource_count_is("AWS::EC2::NatGateway", int(internet))
    template.resource_count_is("AWS::EC2::InternetGateway", int(internet))
    template.resource_count_is("AWS::EC2::Subnet", 4 if internet else 2)


def test_every_subnet_is_in_a_supported_zone(template: Template) -> None:
    zones: dict[str, Any] = template.to_json()["Mappings"]["Zones"]
    assert zones.keys() == SUPPORTED_ZONE_IDS.keys()
    for region, chosen in zones.items():
        assert set(chosen.values()) <= set(SUPPORTED_ZONE_IDS[region])
        assert len(set(chosen.values())) == 2
    template.all_resources_properties(
        "AWS::EC2::Subnet",
        {
            "AvailabilityZone": Match.absent(),
            "AvailabilityZoneId": {
                "Fn::FindInMap": ["Zones", {"Ref": "AWS::Region"}, Match.any_value()]
            },
            "MapPublicIpOnLaunch": False,
        },
    )


def test_sandboxes_connect_with_https_only(template: Template) -> None:
    [group] = template.find_resources("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group["Properties"]
    [egress] = group["Properties"]["SecurityGroupEgress"]
    assert (egress["FromPort"], egress["ToPort"], egress["IpProtocol"]) == (443, 443, "tcp")


def test_only_this_accounts_buckets_are_reached_through_the_endpoint(template: Template) -> None:
    account = {"Ref": "AWS::AccountId"}
    template.has_resource_properties(
        "AWS::EC2::VPCEndpoint",
        {
            "VpcEndpointType": "Gateway",
            "PolicyDocument": {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "*"},
                        "Action": "s3:*",
                        "Resource": "*",
                        "Condition": {
                            "StringEquals": {
                                "aws:PrincipalAccount": account,
                                "s3:ResourceAccount": account,
                            }
                        },
                    }
                ]
            },
        },
    )


def test_traffic_is_logged(template: Template) -> None:
    template.has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL"})


def test_a_code_interpreter_of_another_stack_uses_the_private_subnets(internet: bool) -> None:
    app = new_app()
    network = NetworkStack(app, "Network", settings=settings(internet=internet))
    stack = Stack(app, "Test")
    CodeInterpreter(stack, "Interpreter", network=network.network)
    template = Template.from_stack(stack)
    [resource] = template.find_resources("Custom::CodeInterpreter").values()
    vpc = resource["Properties"]["NetworkConfiguration"]["VpcConfig"]
    assert len(vpc["Subnets"]) == 2
    assert "Sandboxes" in str(vpc["Subnets"])
    assert "Gateway" not in str(vpc["Subnets"])
    template.resource_count_is("AWS::EC2::SecurityGroup", 0)


def test_sandboxes_keep_their_subnets_and_group_when_the_network_is_sealed() -> None:
    def kept(stack_type: type[Stack], **options: Any) -> dict[str, Any]:
        app = new_app()
        template = Template.from_stack(stack_type(app, "Network", **options))
        return {
            logical_id: resource["Properties"].get("CidrBlock")
            for logical_id, resource in template.to_json()["Resources"].items()
            if resource["Type"] in ("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup")
        }

    opened = kept(NetworkStack, settings=settings(internet=False))
    assert len(opened) == 4
    for data_path in (True, False):
        sealed = Settings(network="sealed", sealed_data_path=data_path)
        assert kept(SealedNetworkStack, settings=sealed) == opened


def test_sandboxes_keep_their_subnets_when_the_gateway_comes_or_goes() -> None:
    """AgentCore keeps network interfaces in them, so CloudFormation could not replace them."""

    def subnets(*, internet: bool) -> dict[str, str]:
        app = new_app()
        template = Template.from_stack(
            NetworkStack(app, "Network", settings=settings(internet=internet))
        )
        return {
            logical_id: subnet["Properties"]["CidrBlock"]
            for logical_id, subnet in template.find_resources("AWS::EC2::Subnet").items()
            if "Sandboxes" in logical_id
        }

    assert len(subnets(internet=False)) == 2
    assert subnets(internet=False) == subnets(internet=True)
