"""The claims of docs/comparison.md about CDK's own construct and CloudFormation's own type.

They are read off the installed aws-cdk-lib, and off the type's registry schema that cfn-lint
carries. When one of them has caught up, a test here fails and the page has to change.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Stack, Tags
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match, Template

from tests.project import PROJECT
from tests.unit.constructs.everything import new_app

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
Network = agentcore.CodeInterpreterNetworkConfiguration


@pytest.fixture(scope="module")
def schema() -> Mapping[str, Any]:
    """Return the type's registry schema."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # here: other workers need not wait for it

    schema: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
        "us-east-1", TYPE
    ).schema
    return schema


@pytest.fixture
def stack() -> Stack:
    return Stack(new_app(), "Test")


@pytest.fixture
def vpc(stack: Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Vpc")


def native(stack: Stack, **properties: Any) -> agentcore.CodeInterpreterCustom:
    return agentcore.CodeInterpreterCustom(stack, "Native", **properties)


def rendered(stack: Stack) -> dict[str, Any]:
    [resource] = Template.from_stack(stack).find_resources(TYPE).values()
    return dict(resource["Properties"])


# The links


def test_every_feature_of_ours_names_the_tests_that_prove_it() -> None:
    page = (PROJECT / "docs" / "comparison.md").read_text()
    rows = [row.split("|") for row in page.splitlines() if row.startswith("| ")][1:]
    named = {row[1].strip(): re.findall(r"\]\[(test_\w+)\]", row[2]) for row in rows}
    assert [feature for feature, tests in named.items() if not tests] == []
    files = dict(re.findall(r"^\[(test_\w+)\]: \.\./(tests/\S+\.py)$", page, re.MULTILINE))
    assert files.keys() == set(re.findall(r"\]\[(test_\w+)\]", page))
    assert [
        test for test, file in files.items() if f"\ndef {test}(" not in (PROJECT / file).read_text()
    ] == []


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
        stack = Stack(new_app(), "Test")
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


def test_the_construct_does_not_warn_about_public_subnets(stack: Stack, vpc: ec2.Vpc) -> None:
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    native(stack, network_configuration=Network.using_vpc(stack, vpc=vpc, vpc_subnets=public))
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


def test_the_construct_accepts_long_descriptions_and_refuses_empty_tag_values(stack: Stack) -> None:
    native(stack, description="x" * 4097)
    with pytest.raises(RuntimeError, match="Tag value"):
        agentcore.CodeInterpreterCustom(stack, "Tagged", tags={"key": ""})


def test_the_construct_gets_the_tags_of_its_scopes(stack: Stack) -> None:
    native(stack, tags={"own": "1"})
    Tags.of(stack).add("from", "stack")
    assert rendered(stack)["Tags"] == {"own": "1", "from": "stack"}


def test_grant_read_of_the_construct_allows_listing_everything(stack: Stack) -> None:
    native(stack).grant_read(iam.User(stack, "User"))
    [policy] = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    [everywhere] = [statement for statement in statements if statement["Resource"] == "*"]
    assert everywhere["Action"] == [
        "bedrock-agentcore:ListCodeInterpreters",
        "bedrock-agentcore:ListCodeInterpreterSessions",
    ]


def test_a_metric_of_the_construct_loses_its_operation_when_given_dimensions(stack: Stack) -> None:
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


def test_the_construct_has_the_failure_reason_and_the_time_of_the_last_change(stack: Stack) -> None:
    interpreter = native(stack)
    assert stack.resolve(interpreter.failure_reason)["Fn::GetAtt"][1] == "FailureReason"
    assert stack.resolve(interpreter.last_updated_at)["Fn::GetAtt"][1] == "LastUpdatedAt"


# The type


def test_the_type_takes_a_name_and_replaces_for_everything_but_tags(
    schema: Mapping[str, Any],
) -> None:
    assert schema["required"] == ["Name", "NetworkConfiguration"]
    properties = schema["properties"].keys() - {
        name.rpartition("/")[2] for name in schema["readOnlyProperties"]
    }
    created_only = {name.rpartition("/")[2] for name in schema["createOnlyProperties"]}
    assert properties - created_only == {"Tags"}
    assert schema["tagging"]["tagUpdatable"]


def test_the_type_takes_ten_certificates_and_no_file_systems(schema: Mapping[str, Any]) -> None:
    assert schema["definitions"]["CertificateList"]["maxItems"] == 10
    assert not [name for name in schema["properties"] if "Filesystem" in name]


def test_the_type_checks_numbers_of_subnets_and_no_text(schema: Mapping[str, Any]) -> None:
    definitions = schema["definitions"]
    assert [definitions[name]["maxItems"] for name in ("Subnets", "SecurityGroups")] == [16, 16]
    for name in ("Description", "SandboxName"):
        assert definitions[name].keys() == {"description", "type"}


def test_the_type_does_not_stop_sessions(schema: Mapping[str, Any]) -> None:
    assert schema["handlers"]["delete"]["permissions"] == [
        "bedrock-agentcore:GetCodeInterpreter",
        "bedrock-agentcore:DeleteCodeInterpreter",
    ]


def test_the_type_can_be_read_back(schema: Mapping[str, Any]) -> None:
    """Drift detection and import need the handlers `read` and `list`."""
    assert {"read", "list"} <= schema["handlers"].keys()
    assert {"FailureReason", "LastUpdatedAt"} <= schema["properties"].keys()
