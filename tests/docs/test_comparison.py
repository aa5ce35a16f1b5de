"""The README's statements about CDK's own construct and CloudFormation's own type are true.

The tests read the installed aws-cdk-lib, and the type's registry schema in cfn-lint. When either
catches up, a test fails and the README has to change.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack, Tags
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match, Template
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
SCHEMA: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", TYPE).schema
Network = agentcore.CodeInterpreterNetworkConfiguration


@pytest.fixture
def stack() -> Stack:
    return Stack(App(builtin_cloud_formation_validation=False), "Test")


@pytest.fixture
def vpc(stack: Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Vpc")


def native(stack: Stack, **properties: Any) -> agentcore.CodeInterpreterCustom:
    return agentcore.CodeInterpreterCustom(stack, "Native", **properties)


def rendered(stack: Stack) -> dict[str, Any]:
    [resource] = Template.from_stack(stack).find_resources(TYPE).values()
    return dict(resource["Properties"])


# The construct


def test_the_construct_is_public_and_makes_a_role_by_itself(stack: Stack) -> None:
    native(stack)
    assert rendered(stack)["NetworkConfiguration"] == {"NetworkMode": "PUBLIC"}
    assert "ExecutionRoleArn" in rendered(stack)
    [role] = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert {key for test in statement["Condition"].values() for key in test} == {
        "aws:SourceAccount",
        "aws:SourceArn",
    }


def test_the_construct_keeps_its_name_when_it_must_be_replaced() -> None:
    names = set()
    for description in ("before", "after"):
        stack = Stack(App(builtin_cloud_formation_validation=False), "Test")
        native(stack, description=description)
        names.add(rendered(stack)["Name"])
    assert len(names) == 1


def test_the_construct_takes_neither_certificates_nor_file_systems() -> None:
    assert inspect.signature(agentcore.CodeInterpreterCustom.__init__).parameters.keys() == {
        "self",
        "scope",
        "id",
        "code_interpreter_custom_name",
        "description",
        "execution_role",
        "network_configuration",
        "tags",
    }


def test_the_constructs_group_lets_everything_out_and_goes_with_it(
    stack: Stack, vpc: ec2.Vpc
) -> None:
    native(stack, network_configuration=Network.using_vpc(stack, vpc=vpc))
    [group] = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup").values()
    [egress] = group["Properties"]["SecurityGroupEgress"]
    assert (egress["CidrIp"], egress["IpProtocol"]) == ("0.0.0.0/0", "-1")
    assert "DeletionPolicy" not in group


def test_the_constructs_groups_collide_in_one_scope(stack: Stack, vpc: ec2.Vpc) -> None:
    Network.using_vpc(stack, vpc=vpc)
    with pytest.raises(RuntimeError, match="already a Construct with name 'SecurityGroup'"):
        Network.using_vpc(stack, vpc=vpc)


def test_the_construct_says_nothing_of_public_subnets(stack: Stack, vpc: ec2.Vpc) -> None:
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    native(stack, network_configuration=Network.using_vpc(stack, vpc=vpc, vpc_subnets=public))
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


def test_the_construct_lets_descriptions_pass_and_refuses_empty_tag_values(stack: Stack) -> None:
    native(stack, description="x" * 4097)
    with pytest.raises(RuntimeError, match="Tag value"):
        agentcore.CodeInterpreterCustom(stack, "Tagged", tags={"key": ""})


def test_the_construct_takes_tags_from_above(stack: Stack) -> None:
    native(stack, tags={"own": "1"})
    Tags.of(stack).add("from", "stack")
    assert rendered(stack)["Tags"] == {"own": "1", "from": "stack"}


def test_reading_the_construct_is_reading_all(stack: Stack) -> None:
    native(stack).grant_read(iam.User(stack, "User"))
    [policy] = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    [everywhere] = [statement for statement in statements if statement["Resource"] == "*"]
    assert everywhere["Action"] == [
        "bedrock-agentcore:ListCodeInterpreters",
        "bedrock-agentcore:ListCodeInterpreterSessions",
    ]


def test_a_metric_of_the_construct_forgets_its_operation(stack: Stack) -> None:
    metric = native(stack).metric_latency_for_api_operation(
        "InvokeCodeInterpreter", dimensions_map={"More": "x"}
    )
    assert dict(metric.dimensions or {}).keys() == {"Resource", "More"}


def test_the_construct_is_imported_by_attributes_with_a_role(stack: Stack) -> None:
    kind = agentcore.CodeInterpreterCustom
    assert [name for name in dir(kind) if name.startswith("from_")] == [
        "from_code_interpreter_custom_attributes"
    ]
    with pytest.raises(TypeError, match="role_arn"):
        kind.from_code_interpreter_custom_attributes(  # type: ignore[call-arg]  # it is left out on purpose
            stack, "Imported", code_interpreter_arn="arn"
        )


def test_the_construct_knows_why_it_failed_and_when_it_changed(stack: Stack) -> None:
    construct = native(stack)
    assert stack.resolve(construct.failure_reason)["Fn::GetAtt"][1] == "FailureReason"
    assert stack.resolve(construct.last_updated_at)["Fn::GetAtt"][1] == "LastUpdatedAt"


# The type


def test_the_type_takes_a_name_and_replaces_for_everything_but_tags() -> None:
    assert SCHEMA["required"] == ["Name", "NetworkConfiguration"]
    properties = SCHEMA["properties"].keys() - {
        name.rpartition("/")[2] for name in SCHEMA["readOnlyProperties"]
    }
    created_only = {name.rpartition("/")[2] for name in SCHEMA["createOnlyProperties"]}
    assert properties - created_only == {"Tags"}
    assert SCHEMA["tagging"]["tagUpdatable"]


def test_the_type_takes_ten_certificates_and_no_file_systems() -> None:
    assert SCHEMA["definitions"]["CertificateList"]["maxItems"] == 10
    assert not [name for name in SCHEMA["properties"] if "Filesystem" in name]


def test_the_type_checks_numbers_of_subnets_and_no_text() -> None:
    definitions = SCHEMA["definitions"]
    assert [definitions[name]["maxItems"] for name in ("Subnets", "SecurityGroups")] == [16, 16]
    for name in ("Description", "SandboxName"):
        assert definitions[name].keys() == {"description", "type"}


def test_the_type_does_not_stop_sessions() -> None:
    assert SCHEMA["handlers"]["delete"]["permissions"] == [
        "bedrock-agentcore:GetCodeInterpreter",
        "bedrock-agentcore:DeleteCodeInterpreter",
    ]


def test_the_type_can_be_read_back() -> None:
    """Drift detection and import need it."""
    assert {"read", "list"} <= SCHEMA["handlers"].keys()
    assert {"FailureReason", "LastUpdatedAt"} <= SCHEMA["properties"].keys()
