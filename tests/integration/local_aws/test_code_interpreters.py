"""CloudFormation's own type of a code interpreter, and CDK's construct of it, deploy here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnOutput, RemovalPolicy, Stack, Tags
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_aws import LocalAws

    Deploy = Callable[..., dict[str, str]]

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
SANDBOX = {"NetworkMode": "SANDBOX"}
ATTRIBUTES = ("CodeInterpreterId", "CodeInterpreterArn", "Status", "CreatedAt", "LastUpdatedAt")
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ca-AbCdEf"


@pytest.fixture
def control(local_aws: LocalAws, account: str) -> Any:
    return local_aws.client("bedrock-agentcore-control", account)


@pytest.fixture
def cloudformation(local_aws: LocalAws, account: str) -> Any:
    return local_aws.client("cloudformation", account)


@pytest.fixture
def deploy(cloudformation: Any) -> Deploy:
    """Return a function that creates or updates a stack with the resource, and returns outputs."""

    def deploy(properties: dict[str, Any], **options: Any) -> dict[str, str]:
        resource = {"Type": TYPE, "Properties": properties}
        outputs: dict[str, Any] = {
            name: {"Value": {"Fn::GetAtt": ["Native", name]}} for name in ATTRIBUTES
        }
        outputs["Ref"] = {"Value": {"Ref": "Native"}}
        body = json.dumps({"Resources": {"Native": resource}, "Outputs": outputs})
        exists = cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
        event = "update" if exists["StackSummaries"] else "create"
        action = getattr(cloudformation, f"{event}_stack")
        action(StackName="native", TemplateBody=body, **options)
        wait(event)
        [stack] = cloudformation.describe_stacks(StackName="native")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def wait(event: str) -> None:
        cloudformation.get_waiter(f"stack_{event}_complete").wait(
            StackName="native", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )

    return deploy


def ids(control: Any) -> list[str]:
    summaries = control.list_code_interpreters()["codeInterpreterSummaries"]
    return [summary["codeInterpreterId"] for summary in summaries]


def failure(cloudformation: Any, status: str) -> str:
    events = cloudformation.describe_stack_events(StackName="native")["StackEvents"]
    [reason] = [
        event["ResourceStatusReason"]
        for event in events
        if (event["LogicalResourceId"], event["ResourceStatus"]) == ("Native", status)
    ]
    return str(reason)


def test_all_properties_and_attributes(
    local_aws: LocalAws, account: str, control: Any, deploy: Deploy
) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = local_aws.client("iam", account).create_role(
        RoleName="role", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    vpc = {"SecurityGroups": ["sg-0123456789"], "Subnets": ["subnet-0123456789"]}
    outputs = deploy(
        {
            "Name": "full",
            "Description": "with everything",
            "ExecutionRoleArn": role,
            "NetworkConfiguration": {"NetworkMode": "VPC", "VpcConfig": vpc},
            "Certificates": [{"CertificateLocation": {"SecretArn": SECRET}}],
            "Tags": {"team": "data"},
        }
    )
    read = control.get_code_interpreter(codeInterpreterId=outputs["Ref"])
    assert (read["name"], read["description"], read["executionRoleArn"]) == (
        "full",
        "with everything",
        role,
    )
    assert read["networkConfiguration"] == {
        "networkMode": "VPC",
        "vpcConfig": {"securityGroups": ["sg-0123456789"], "subnets": ["subnet-0123456789"]},
    }
    assert read["certificates"] == [{"location": {"secretsManager": {"secretArn": SECRET}}}]
    assert outputs["CodeInterpreterId"] == outputs["Ref"] == read["codeInterpreterId"]
    assert outputs["CodeInterpreterArn"] == read["codeInterpreterArn"]
    assert outputs["Status"] == "READY"
    assert outputs["CreatedAt"] == read["createdAt"].isoformat()
    tags = control.list_tags_for_resource(resourceArn=read["codeInterpreterArn"])["tags"]
    assert tags["team"] == "data"
    assert tags["aws:cloudformation:logical-id"] == "Native"


def test_tags_change_in_place_and_other_properties_replace(
    control: Any, cloudformation: Any, deploy: Deploy
) -> None:
    properties = {"Name": "first", "NetworkConfiguration": SANDBOX, "Tags": {"a": "1", "b": "2"}}
    first = deploy(properties)
    cloudformation.update_stack(
        StackName="native",
        UsePreviousTemplate=True,
        Tags=[{"Key": "stage", "Value": "test"}],
    )
    wait_for_update(cloudformation)
    arn = first["CodeInterpreterArn"]
    assert control.list_tags_for_resource(resourceArn=arn)["tags"]["stage"] == "test"
    assert ids(control) == [first["Ref"]]

    template = json.loads(cloudformation_template(cloudformation))
    template["Resources"]["Native"]["Properties"] = {
        **properties,
        "Name": "second",
        "Tags": {"b": "3"},
    }
    cloudformation.update_stack(StackName="native", TemplateBody=json.dumps(template))
    wait_for_update(cloudformation)
    [replacement] = ids(control)
    assert replacement.startswith("second-")
    new_arn = arn.replace(first["Ref"], replacement)
    tags = control.list_tags_for_resource(resourceArn=new_arn)["tags"]
    assert {key: tags[key] for key in ("b", "stage")} == {"b": "3", "stage": "test"}
    assert "a" not in tags

    cloudformation.delete_stack(StackName="native")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="native", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )
    assert ids(control) == []


def cloudformation_template(cloudformation: Any) -> str:
    return json.dumps(cloudformation.get_template(StackName="native")["TemplateBody"])


def wait_for_update(cloudformation: Any) -> None:
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName="native", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )


def test_a_replacement_with_the_same_name_fails_and_is_rolled_back(
    control: Any, cloudformation: Any, deploy: Deploy
) -> None:
    properties = {"Name": "same", "NetworkConfiguration": SANDBOX}
    first = deploy(properties)
    with pytest.raises(WaiterError, match="UPDATE_ROLLBACK_COMPLETE"):
        deploy({**properties, "Description": "changed"})
    assert "HandlerErrorCode: AlreadyExists" in failure(cloudformation, "UPDATE_FAILED")
    assert ids(control) == [first["Ref"]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Name": "has-hyphen"}, "HandlerErrorCode: InvalidRequest"),
        (
            {"ExecutionRoleArn": "arn:aws:iam::111122223333:role/absent"},
            "CodeInterpreter role validation failed",
        ),
        ({"FilesystemConfigurations": []}, "extraneous key [FilesystemConfigurations]"),
        ({"NetworkConfiguration": {}}, "#/NetworkConfiguration: required key [NetworkMode]"),
        (
            {"Certificates": [{"CertificateLocation": {"SecretArn": SECRET}}] * 11},
            "#/Certificates: expected maximum item count: 10, found: 11",
        ),
    ],
)
def test_refused_properties_fail_the_stack(
    control: Any, cloudformation: Any, deploy: Deploy, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        deploy({"Name": "one", "NetworkConfiguration": SANDBOX, **changes})
    assert reason in failure(cloudformation, "CREATE_FAILED")
    assert ids(control) == []


def test_an_interpreter_whose_status_cannot_be_read_is_not_left(
    local_aws: LocalAws, control: Any, cloudformation: Any, deploy: Deploy
) -> None:
    local_aws.agentcore.inject_fault(
        operation="GetCodeInterpreter", kind="error", error="ThrottlingException"
    )
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        deploy({"Name": "one", "NetworkConfiguration": SANDBOX})
    assert "HandlerErrorCode: Throttling" in failure(cloudformation, "CREATE_FAILED")
    assert ids(control) == []


def test_a_creation_and_a_deletion_that_fail_have_the_service_s_reason(
    local_aws: LocalAws, control: Any, cloudformation: Any, deploy: Deploy
) -> None:
    agentcore = local_aws.agentcore
    agentcore.inject_fault(
        operation="CreateCodeInterpreter", kind="create_failed", reason="create_failed for good"
    )
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        deploy({"Name": "one", "NetworkConfiguration": SANDBOX})
    assert "create_failed for good" in failure(cloudformation, "CREATE_FAILED")
    assert ids(control) == []

    cloudformation.delete_stack(StackName="native")
    waiter = cloudformation.get_waiter("stack_delete_complete")
    patience = {"StackName": "native", "WaiterConfig": {"Delay": 0.1, "MaxAttempts": 100}}
    waiter.wait(**patience)
    deploy({"Name": "one", "NetworkConfiguration": SANDBOX})
    agentcore.inject_fault(
        operation="DeleteCodeInterpreter", kind="delete_failed", reason="delete_failed for good"
    )
    cloudformation.delete_stack(StackName="native")
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        waiter.wait(**patience)
    assert "delete_failed for good" in failure(cloudformation, "DELETE_FAILED")
    cloudformation.delete_stack(StackName="native")
    waiter.wait(**patience)
    assert ids(control) == []


def test_an_interpreter_with_sessions_is_not_deleted(
    local_aws: LocalAws, account: str, control: Any, cloudformation: Any, deploy: Deploy
) -> None:
    interpreter = deploy({"Name": "busy", "NetworkConfiguration": SANDBOX})["Ref"]
    data = local_aws.client("bedrock-agentcore", account)
    session = data.start_code_interpreter_session(codeInterpreterIdentifier=interpreter)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    patience = {"StackName": "native", "WaiterConfig": {"Delay": 0.1, "MaxAttempts": 100}}
    cloudformation.delete_stack(StackName="native")
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        waiter.wait(**patience)
    assert "There are 1 active sessions" in failure(cloudformation, "DELETE_FAILED")
    data.stop_code_interpreter_session(
        codeInterpreterIdentifier=interpreter, sessionId=session["sessionId"]
    )
    cloudformation.delete_stack(StackName="native")
    waiter.wait(**patience)
    assert ids(control) == []


def test_cdks_own_construct_deploys(
    local_aws: LocalAws, account: str, control: Any, tmp_path: Path
) -> None:
    """The app has the interpreters of the construct's own integration test."""
    app = App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    stack = Stack(app, "Native")
    vpc = ec2.Vpc(stack, "Network", max_azs=2, nat_gateways=1)
    network = agentcore.CodeInterpreterNetworkConfiguration
    reader = iam.Role(stack, "Reader", assumed_by=iam.AccountRootPrincipal())
    for name, configuration in (
        ("public", network.using_public_network()),
        ("sandbox", network.using_sandbox_network()),
        ("vpc", network.using_vpc(stack, vpc=vpc)),
    ):
        interpreter = agentcore.CodeInterpreterCustom(
            stack,
            name.title(),
            code_interpreter_custom_name=f"native_{name}",
            description=f"on the network {name}",
            network_configuration=configuration,
            tags={"network": name},
        )
        interpreter.grant_use(reader)
        interpreter.apply_removal_policy(RemovalPolicy.DESTROY)
        CfnOutput(stack, f"{name}Id", value=interpreter.code_interpreter_id)
    Tags.of(stack).add("team", "data")

    directory = app.synth().directory
    outputs = local_aws.deploy(directory, account=account)["Native"]
    for name in ("public", "sandbox", "vpc"):
        read = control.get_code_interpreter(codeInterpreterId=outputs[f"{name}Id"])
        assert (read["status"], read["name"]) == ("READY", f"native_{name}")
        assert read["networkConfiguration"]["networkMode"] == name.upper()
        assert ":role/" in read["executionRoleArn"]
        tags = control.list_tags_for_resource(resourceArn=read["codeInterpreterArn"])["tags"]
        assert (tags["network"], tags["team"]) == (name, "data")
    data = local_aws.client("bedrock-agentcore", account)
    where = {"codeInterpreterIdentifier": outputs["sandboxId"]}
    session = data.start_code_interpreter_session(**where)["sessionId"]
    result = data.invoke_code_interpreter(
        **where, sessionId=session, name="executeCode", arguments={"code": "print(6 * 7)"}
    )
    [event] = result["stream"]
    assert event["result"]["structuredContent"]["stdout"] == "42"
    data.stop_code_interpreter_session(**where, sessionId=session)
    local_aws.destroy(directory, account=account)
    assert ids(control) == []


def test_agentcore_refuses_the_resources_of_other_services(control: Any) -> None:
    """The path of the request has nothing of AgentCore's, only the signature does."""
    with pytest.raises(control.exceptions.ValidationException):
        control.list_tags_for_resource(resourceArn="arn:aws:s3:::a-bucket")
