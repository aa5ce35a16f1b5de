"""Requests that AWS services make with the roles of the stacks, and the local AWS does not.

They follow from the settings of the deployed resources. Each has the page that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import stacks
from .access import Request, frozen
from .deployed import Stacks

AGENTCORE = "bedrock-agentcore.amazonaws.com"
NETWORK = "network.bedrock-agentcore.amazonaws.com"
NETWORK_ROLE = f"aws-service-role/{NETWORK}/AWSServiceRoleForBedrockAgentCoreNetwork"
INTERFACES = (
    "AssignPrivateIpAddresses",
    "CreateNetworkInterface",
    "DeleteNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "UnassignPrivateIpAddresses",
)
WRITES_LOG = "Lambda writes the function's log"
IN_VPC = "Lambda attaches the function to its VPC"
TRACES = "Lambda sends the function's traces"
REPORTS = "Lambda sends failed invocations to their destination"
ASSUMES = "the service assumes the role"
PASSES = "AgentCore checks that the creator may pass the role"
LINKS = "AgentCore creates its service-linked role for the first VPC"
READS = "AgentCore reads certificates with the credentials of its caller"
TAGS = "AgentCore checks the tags of a creation before the interpreter has an id"
INVOKES = "the Gateway, the state machine or the schedule invokes the function with its role"
ENCRYPTS = "Amazon S3 uses the bucket's key with the permissions of its caller"
LINKED = "code in a sandbox opens a presigned URL, through the sealed network's endpoint"
LOGS_TRAFFIC = "VPC flow logs write to their log group with the role"
ASKS = "a Bedrock agent invokes the function of its action group"
DELIVERS = "CloudWatch Logs delivers the logs that AgentCore writes"
ENCRYPTS_LOGS = "CloudWatch Logs encrypts a log group with the user's key"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{stacks.REGION}:{stacks.ACCOUNT}:{resource}"


# The roles with which services invoke functions, by their stacks.
INVOKERS = (("Gateway", "ToolsServiceRole"), ("States", "Machine"), ("Upkeep", "UpkeepRole"))
# The resources for which services assume roles, if their trust names them.
SOURCES = {
    AGENTCORE: stacks.GATEWAY_ARN,
    "states.amazonaws.com": arn("states", "stateMachine:machine"),
    "scheduler.amazonaws.com": arn("scheduler", "schedule/default/upkeep"),
}


def unrecorded_requests(deployed: Stacks) -> Iterator[Request]:
    for stack in deployed.names:
        for resource in deployed.of_type(stack, "AWS::Lambda::Function"):
            if not resource["LogicalResourceId"].startswith("CustomS3"):
                yield from of_function(deployed, stack, resource)
        yield from of_interpreters(deployed, stack)
        for resource in deployed.of_type(stack, "AWS::S3::Bucket"):
            yield from of_bucket(deployed, stack, resource)
        for resource in deployed.of_type(stack, "AWS::Logs::LogGroup"):
            yield from of_encrypted_log(deployed, stack, resource)
        for resource in deployed.of_type(stack, "AWS::Logs::DeliveryDestination"):
            yield from of_delivery(deployed, stack, resource)
        yield from of_trust(deployed, stack)
    if "SealedNetwork" in deployed.names:
        yield from of_flow_log(deployed)
    for stack, part in INVOKERS:
        if stack not in deployed.names:
            continue
        role = deployed.physical(stack, "AWS::IAM::Role", part)
        function = arn("lambda", f"function:{deployed.outputs(stack)['FunctionName']}")
        yield request(stack, role, "lambda:InvokeFunction", function, INVOKES)


def of_function(deployed: Stacks, stack: str, resource: dict[str, Any]) -> Iterator[Request]:
    name = resource["PhysicalResourceId"]
    settings = deployed.functions.get_function_configuration(FunctionName=name)
    role = settings["Role"].rpartition("/")[2]

    def of(origin: str, action: str, resource: str, **keys: str) -> Request:
        return request(stack, role, action, resource, origin, **keys)

    group = settings["LoggingConfig"]["LogGroup"]
    stream = arn("logs", f"log-group:{group}:log-stream:2026/11/26/[$LATEST]0")
    for action in ("CreateLogStream", "PutLogEvents"):
        yield of(WRITES_LOG, f"logs:{action}", stream)
    template = deployed.template(stack)["Resources"][resource["LogicalResourceId"]]
    if "VpcConfig" in template["Properties"]:
        for action in INTERFACES:
            yield of(IN_VPC, f"ec2:{action}", "*")
    if settings.get("TracingConfig", {}).get("Mode") == "Active":
        for action in ("PutTraceSegments", "PutTelemetryRecords"):
            yield of(TRACES, f"xray:{action}", "*")
    for destination in destinations(deployed, name):
        yield of(REPORTS, "sqs:SendMessage", destination)
    if stack == "Agent" and "Invoke" in name:
        yield request(
            stack,
            "bedrock.amazonaws.com",
            "lambda:InvokeFunction",
            settings["FunctionArn"],
            ASKS,
            **{"aws:sourcearn": stacks.AGENT_ARN, "aws:sourceaccount": stacks.ACCOUNT},
        )


def destinations(deployed: Stacks, name: str) -> list[str]:
    found = deployed.functions.list_function_event_invoke_configs(FunctionName=name)
    return [
        config["DestinationConfig"]["OnFailure"]["Destination"]
        for config in found["FunctionEventInvokeConfigs"]
        if config.get("DestinationConfig", {}).get("OnFailure")
    ]


def of_bucket(deployed: Stacks, stack: str, resource: dict[str, Any]) -> Iterator[Request]:
    role = deployed.physical(stack, "AWS::IAM::Role", "InvokeFunction")
    bucket = resource["PhysicalResourceId"]
    template = deployed.template(stack)["Resources"][resource["LogicalResourceId"]]
    if "KMSMasterKeyID" in str(template["Properties"]["BucketEncryption"]):
        key = arn("kms", f"key/{deployed.physical(stack, 'AWS::KMS::Key')}")
        for action in ("Decrypt", "GenerateDataKey"):
            yield request(stack, role, f"kms:{action}", key, ENCRYPTS)
    endpoints = deployed.of_type(stack, "AWS::EC2::VPCEndpoint")
    for endpoint in endpoints:
        keys = {
            "s3:authtype": "REST-QUERY-STRING",
            "s3:signatureversion": "AWS4-HMAC-SHA256",
            "aws:sourcevpce": endpoint["PhysicalResourceId"],
        }
        file = f"arn:aws:s3:::{bucket}/workspace/proof/uploads/large"
        for action in ("GetObject", "PutObject"):
            yield request(stack, role, f"s3:{action}", file, LINKED, **keys)


def of_encrypted_log(deployed: Stacks, stack: str, resource: dict[str, Any]) -> Iterator[Request]:
    template = deployed.template(stack)["Resources"][resource["LogicalResourceId"]]
    if "KmsKeyId" not in template["Properties"]:
        return
    key = arn("kms", f"key/{deployed.physical(stack, 'AWS::KMS::Key')}")
    group = arn("logs", f"log-group:{resource['PhysicalResourceId']}")
    for action in ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom"):
        yield request(
            stack,
            f"logs.{stacks.REGION}.amazonaws.com",
            f"kms:{action}",
            key,
            ENCRYPTS_LOGS,
            **{"kms:encryptioncontext:aws:logs:arn": group},
        )


def of_delivery(deployed: Stacks, stack: str, resource: dict[str, Any]) -> Iterator[Request]:
    template = deployed.template(stack)["Resources"][resource["LogicalResourceId"]]
    target = template["Properties"].get("DestinationResourceArn")
    if target is None:
        return  # X-Ray, whose policy is its own
    name = target["Fn::GetAtt"][0]
    group = deployed.physical(stack, "AWS::Logs::LogGroup", name)
    stream = arn("logs", f"log-group:{group}:log-stream:{AGENTCORE}")
    keys = {
        "aws:sourceaccount": stacks.ACCOUNT,
        "aws:sourcearn": arn("logs", f"delivery-source:{resource['PhysicalResourceId']}"),
    }
    for action in ("CreateLogStream", "PutLogEvents"):
        yield request(
            stack, "delivery.logs.amazonaws.com", f"logs:{action}", stream, DELIVERS, **keys
        )


def of_flow_log(deployed: Stacks) -> Iterator[Request]:
    stack = "SealedNetwork"
    role = deployed.physical(stack, "AWS::IAM::Role", "FlowLog")
    group = deployed.physical(stack, "AWS::Logs::LogGroup", "Traffic")
    stream = arn("logs", f"log-group:{group}:log-stream:eni-0-all")
    for action in ("CreateLogStream", "PutLogEvents", "DescribeLogStreams"):
        yield request(stack, role, f"logs:{action}", stream, LOGS_TRAFFIC)


def of_interpreters(deployed: Stacks, stack: str) -> Iterator[Request]:
    control = deployed.deployment.client("bedrock-agentcore-control")
    for resource in deployed.of_type(stack, "Custom::CodeInterpreter"):
        interpreter = control.get_code_interpreter(codeInterpreterId=resource["PhysicalResourceId"])
        role = deployed.physical(stack, "AWS::IAM::Role", "Control")
        stack_id = resource["StackId"]
        tag = {"aws:requesttag/cdk-code-interpreter:stack-id": stack_id}
        every = arn("bedrock-agentcore", "code-interpreter-custom/*")
        yield request(stack, role, "bedrock-agentcore:TagResource", every, TAGS, **tag)
        if "executionRoleArn" in interpreter:
            passed = {"iam:passedtoservice": AGENTCORE}
            yield request(
                stack, role, "iam:PassRole", interpreter["executionRoleArn"], PASSES, **passed
            )
        if interpreter["networkConfiguration"]["networkMode"] == "VPC":
            linked = f"arn:aws:iam::{stacks.ACCOUNT}:role/{NETWORK_ROLE}"
            yield request(
                stack,
                role,
                "iam:CreateServiceLinkedRole",
                linked,
                LINKS,
                **{"iam:awsservicename": NETWORK},
            )
        for certificate in interpreter.get("certificates", []):
            secret = certificate["location"]["secretsManager"]["secretArn"]
            yield from of_certificate(deployed, stack, role, secret)
            invoke = deployed.physical(stack, "AWS::IAM::Role", "InvokeFunction")
            yield from of_certificate(deployed, stack, invoke, secret)


def of_certificate(deployed: Stacks, stack: str, role: str, secret: str) -> Iterator[Request]:
    found = deployed.deployment.client("secretsmanager").describe_secret(SecretId=secret)
    yield request(stack, role, "secretsmanager:GetSecretValue", found["ARN"], READS)
    # An imported secret does not tell its key, which can be any.
    key = found.get("KmsKeyId") or arn("kms", "key/01234567-89ab-cdef-0123-456789abcdef")
    if not key.startswith("arn:"):
        key = arn("kms", f"key/{key}")
    via = f"secretsmanager.{stacks.REGION}.amazonaws.com"
    yield request(stack, role, "kms:Decrypt", key, READS, **{"kms:viaservice": via})


def of_trust(deployed: Stacks, stack: str) -> Iterator[Request]:
    """Yield the requests with which services assume roles, but for AgentCore's recorded ones."""
    for resource in deployed.of_type(stack, "AWS::IAM::Role"):
        role = deployed.iam.get_role(RoleName=resource["PhysicalResourceId"])["Role"]
        if resource["LogicalResourceId"].startswith("ExecutionRole"):
            continue
        for trust in role["AssumeRolePolicyDocument"]["Statement"]:
            service = trust["Principal"].get("Service")
            if service is not None:
                keys = {"aws:sourceaccount": stacks.ACCOUNT}
                if service in SOURCES:
                    keys["aws:sourcearn"] = SOURCES[service]
                yield request(stack, service, "sts:AssumeRole", role["Arn"], ASSUMES, **keys)


def request(
    stack: str, principal: str, action: str, resource: str, origin: str, **keys: Any
) -> Request:
    return Request(
        principal=principal,
        action=action,
        resource=resource,
        context=frozen(keys),
        account=stacks.ACCOUNT,
        region=stacks.REGION,
        source=stack,
        origin=origin,
    )
