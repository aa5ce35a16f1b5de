"""The local AWS refuses what exceeds a quota, with the service's error."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, WaiterError

if TYPE_CHECKING:
    from local_aws import LocalAws

MEGABYTE = 1024 * 1024
ECHO = "def handler(event, context): return len(event)"


def document(size: int) -> dict[str, Any]:
    """Return a policy of this many characters, as IAM counts them."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::a"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    missing = size - len(json.dumps(policy, separators=(",", ":")))
    statement["Resource"] = ["arn:aws:s3:::a" + "b" * missing]
    return policy


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def trust_policy(size: int) -> dict[str, Any]:
    """Return a trust policy of this many characters, as IAM counts them."""
    policy: dict[str, Any] = json.loads(json.dumps(TRUST))
    policy["Statement"][0]["Sid"] = ""
    missing = size - len(json.dumps(policy, separators=(",", ":")))
    policy["Statement"][0]["Sid"] = "a" * missing
    return policy


def variables(size: int) -> dict[str, str]:
    """Return environment variables of this many bytes as JSON."""
    return {"A": "b" * (size - len('{"A":""}'))}


def refusal(error: ClientError) -> tuple[str, int, str]:
    response: Any = error.response
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    return response["Error"]["Code"], status, response["Error"]["Message"]


@pytest.fixture
def function(local_aws: LocalAws, account: str) -> Any:
    """Create a function, and return a client of Lambda."""
    iam = local_aws.client("iam", account)
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps(TRUST))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", ECHO)
    client = local_aws.client("lambda", account)
    client.create_function(
        FunctionName="function",
        Runtime="python3.14",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": variables(4096)},
    )
    return client


@pytest.mark.parametrize(
    ("kind", "limit"), [("RequestResponse", 6 * MEGABYTE), ("Event", MEGABYTE)]
)
def test_a_payload_above_the_limit_is_refused(function: Any, kind: str, limit: int) -> None:
    fits = b'"' + b"a" * (limit - 2) + b'"'
    call = {"FunctionName": "function", "InvocationType": kind}
    assert function.invoke(**call, Payload=fits)["StatusCode"] in (200, 202)
    with pytest.raises(ClientError) as refused:
        function.invoke(**call, Payload=fits + b" ")
    assert refusal(refused.value) == (
        "RequestEntityTooLargeException",
        413,
        f"{limit + 1} byte payload is too large for the {kind} invocation type "
        f"(limit {limit} bytes)",
    )


def test_an_environment_above_the_limit_is_refused(function: Any) -> None:
    with pytest.raises(ClientError) as refused:
        function.update_function_configuration(
            FunctionName="function", Environment={"Variables": variables(4097)}
        )
    code, status, message = refusal(refused.value)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "environment variables you have provided exceeded the 4KB limit" in message


@pytest.mark.parametrize(("kind", "limit"), [("role", 10_240), ("user", 2048), ("group", 5120)])
def test_inline_policies_above_the_limit_are_refused(
    local_aws: LocalAws, account: str, kind: str, limit: int
) -> None:
    iam = local_aws.client("iam", account)
    name = {f"{kind.title()}Name": "an-entity"}
    trust = {"AssumeRolePolicyDocument": json.dumps(TRUST)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**name, **trust)

    def put(policy: str, size: int) -> None:
        text = json.dumps(document(size), indent=8)
        getattr(iam, f"put_{kind}_policy")(**name, PolicyName=policy, PolicyDocument=text)

    put("one", limit - 300)
    put("one", limit - 200)
    put("two", 200)
    with pytest.raises(ClientError) as refused:
        put("two", 201)
    message = f"Maximum policy size of {limit} bytes exceeded for {kind} an-entity"
    assert refusal(refused.value) == ("LimitExceeded", 409, message)


def test_a_trust_policy_above_the_limit_is_refused(local_aws: LocalAws, account: str) -> None:
    iam = local_aws.client("iam", account)
    fits, larger = (json.dumps(trust_policy(size), indent=8) for size in (2048, 2049))
    iam.create_role(RoleName="fits", AssumeRolePolicyDocument=fits)
    for action, options in (
        (iam.create_role, {"RoleName": "larger", "AssumeRolePolicyDocument": larger}),
        (iam.update_assume_role_policy, {"RoleName": "fits", "PolicyDocument": larger}),
    ):
        with pytest.raises(ClientError) as refused:
            action(**options)
        expected = ("LimitExceeded", 409, "Cannot exceed quota for ACLSizePerRole: 2048")
        assert refusal(refused.value) == expected


def test_a_managed_policy_above_the_limit_is_refused(local_aws: LocalAws, account: str) -> None:
    iam = local_aws.client("iam", account)
    fits, larger = (json.dumps(document(size), indent=8) for size in (6144, 6145))
    arn = iam.create_policy(PolicyName="fits", PolicyDocument=fits)["Policy"]["Arn"]
    expected = ("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144")
    with pytest.raises(ClientError) as refused:
        iam.create_policy(PolicyName="larger", PolicyDocument=larger)
    assert refusal(refused.value) == expected
    with pytest.raises(ClientError) as refused:
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=larger)
    assert refusal(refused.value) == expected


def test_a_key_above_the_limit_is_refused(local_aws: LocalAws, account: str) -> None:
    s3 = local_aws.client("s3", account)
    s3.create_bucket(Bucket=f"keys-{account}")
    s3.put_object(Bucket=f"keys-{account}", Key="ä" * 512)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=f"keys-{account}", Key="ä" * 512 + "a")
    assert refusal(refused.value) == ("KeyTooLongError", 400, "Your key is too long")
    error: Any = refused.value.response["Error"]
    assert (error["Size"], error["MaxSizeAllowed"]) == ("1025", "1024")


ROLE = {"AssumeRolePolicyDocument": TRUST}
RESOURCES: list[tuple[str, dict[str, Any], str]] = [
    (
        "AWS::IAM::Role",
        {**ROLE, "Policies": [{"PolicyName": "p", "PolicyDocument": document(10_241)}]},
        "Maximum policy size of 10240 bytes exceeded for role",
    ),
    (
        "AWS::IAM::Role",
        {"AssumeRolePolicyDocument": trust_policy(2049)},
        "Cannot exceed quota for ACLSizePerRole: 2048 (Service: Iam, Status Code: 409",
    ),
    (
        "AWS::IAM::ManagedPolicy",
        {"PolicyDocument": document(6145)},
        "Cannot exceed quota for PolicySize: 6144 (Service: Iam, Status Code: 409",
    ),
    (
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Handler": "index.handler",
            "Code": {"ZipFile": ECHO},
            "Role": "arn:aws:iam::000000000000:role/any",
            "Environment": {"Variables": variables(4097)},
        },
        "exceeded the 4KB limit. (Service: Lambda, Status Code: 400",
    ),
    (
        "AWS::IAM::Policy",
        {
            "PolicyName": "p",
            "PolicyDocument": document(10_241),
            "Roles": [{"Ref": "Other"}],
        },
        "Maximum policy size of 10240 bytes exceeded for role",
    ),
]


@pytest.mark.parametrize(
    ("kind", "properties", "reason"), RESOURCES, ids=[kind for kind, _, _ in RESOURCES]
)
def test_a_resource_above_a_limit_fails_its_stack(
    local_aws: LocalAws, account: str, kind: str, properties: dict[str, Any], reason: str
) -> None:
    cloudformation = local_aws.client("cloudformation", account)
    resources = {
        "Other": {"Type": "AWS::IAM::Role", "Properties": ROLE},
        "Large": {"Type": kind, "Properties": properties},
    }
    cloudformation.create_stack(
        StackName="a-stack",
        TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=["CAPABILITY_IAM"],
    )
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="a-stack", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )
    events = cloudformation.describe_stack_events(StackName="a-stack")["StackEvents"]
    [failed] = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert failed["LogicalResourceId"] == "Large"
    assert reason in failed["ResourceStatusReason"]
