"""Add CloudFormation's type of a code interpreter, which CDK's own construct synthesizes.

The gap: MiniStack refuses `AWS::BedrockAgentCore::CodeInterpreterCustom` as unrecognized. Here its
handlers call the emulator, and follow the type's registry schema of 2026-10-20: each property but
the tags makes a replacement, and `FilesystemConfigurations` is not among them.
"""

from __future__ import annotations

import os
import time
import uuid
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import helpers, provisioners, stacks

from local_aws.ministack_patches.requirements import require
from local_aws.ministack_patches.resource_types import Properties, add_types

TYPE = "AWS::BedrockAgentCore::CodeInterpreterCustom"
POLL_SECONDS = 0.05
# Longer than this, a status of the emulator lasts only if a test wants it to.
STABILIZE_SECONDS = 1800
MAX_CERTIFICATES = 10

Provisioned = tuple[str, dict[str, str]]

# The schema's properties: a dictionary is an object, a list has objects, None is anything.
SCHEMA: Properties = {
    "Name": None,
    "Description": None,
    "ExecutionRoleArn": None,
    "NetworkConfiguration": {
        "NetworkMode": None,
        "VpcConfig": {"SecurityGroups": None, "Subnets": None},
    },
    "Certificates": [{"CertificateLocation": {"SecretArn": None}}],
    "Tags": None,
}
OPTIONAL = {"Description", "ExecutionRoleArn", "VpcConfig", "Certificates", "Tags"}
REPLACING = tuple(name for name in SCHEMA if name != "Tags")

# CloudFormation's "Handler error codes", by the service's error.
HANDLER_ERRORS = {
    "AccessDeniedException": "AccessDenied",
    "ConflictException": "AlreadyExists",
    "ResourceNotFoundException": "NotFound",
    "ServiceQuotaExceededException": "ServiceLimitExceeded",
    "ThrottlingException": "Throttling",
    "ValidationException": "InvalidRequest",
}


class HandlerError(Exception):
    """A handler of the type failed; the message has the form of the stack's events."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, '
            f"HandlerErrorCode: {code})"
        )


def install() -> None:
    """Add the type, whose handlers wait for the emulator's response in threads of their own."""
    require(provisioners, ["_STACK_TAG_PROPERTY", "_property_recreation"])
    require(stacks, ["_property_recreation", "_runs_on_worker_thread"])
    require(helpers, ["_sdk_error"])
    stock_recreation = provisioners._property_recreation
    stock_runs_on_worker = stacks._runs_on_worker_thread

    def property_recreation(resource_type: str, name: str) -> str:
        if resource_type == TYPE:
            return "Always" if name in REPLACING else "Never"
        return str(stock_recreation(resource_type, name))

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type == TYPE or bool(stock_runs_on_worker(resource_type))

    for module in (provisioners, stacks):
        module._property_recreation = property_recreation
    stacks._runs_on_worker_thread = runs_on_worker_thread
    provisioners._STACK_TAG_PROPERTY[TYPE] = ("Tags", "map")
    add_types({TYPE: {"create": create, "update": update, "delete": delete}})


def create(logical_id: str, properties: Properties, _stack_name: str) -> Provisioned:
    check_schema(logical_id, properties)
    created = call("create_code_interpreter", **request(properties))
    interpreter_id: str = created["codeInterpreterId"]
    try:
        status = wait_while(interpreter_id, "CREATING")
        if status["status"] != "READY":
            raise HandlerError(str(status.get("failureReason", status["status"])), "NotStabilized")
    except HandlerError:
        delete(interpreter_id, properties)
        raise
    return interpreter_id, attributes(status)


def update(interpreter_id: str, old: Properties, new: Properties, _stack_name: str) -> Provisioned:
    """Change the tags; a change of anything else replaces the resource."""
    status = call("get_code_interpreter", codeInterpreterId=interpreter_id)
    arn = status["codeInterpreterArn"]
    before, after = old.get("Tags") or {}, new.get("Tags") or {}
    removed = [key for key in before if key not in after]
    if removed:
        call("untag_resource", resourceArn=arn, tagKeys=removed)
    if after:
        call("tag_resource", resourceArn=arn, tags=after)
    return interpreter_id, attributes(status)


def delete(interpreter_id: str, _properties: Properties) -> None:
    try:
        client().delete_code_interpreter(codeInterpreterId=interpreter_id)
        deadline = time.monotonic() + STABILIZE_SECONDS
        while time.monotonic() < deadline:
            status = client().get_code_interpreter(codeInterpreterId=interpreter_id)
            if status["status"] == "DELETE_FAILED":
                raise HandlerError(status.get("failureReason", "DELETE_FAILED"), "NotStabilized")
            time.sleep(POLL_SECONDS)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise handler_error(error) from error
    else:
        raise HandlerError(f"{interpreter_id} is still there", "NotStabilized")


def wait_while(interpreter_id: str, status: str) -> Properties:
    """Return the interpreter when its status is another one."""
    deadline = time.monotonic() + STABILIZE_SECONDS
    while time.monotonic() < deadline:
        read = call("get_code_interpreter", codeInterpreterId=interpreter_id)
        if read["status"] != status:
            return read
        time.sleep(POLL_SECONDS)
    raise HandlerError(f"{interpreter_id} is still {status}", "NotStabilized")


def request(properties: Properties) -> Properties:
    """Return the parameters of CreateCodeInterpreter."""
    network = properties["NetworkConfiguration"]
    vpc = network.get("VpcConfig")
    parameters = {
        "name": properties["Name"],
        "description": properties.get("Description"),
        "executionRoleArn": properties.get("ExecutionRoleArn"),
        "networkConfiguration": {
            "networkMode": network["NetworkMode"],
            **(
                {"vpcConfig": {"securityGroups": vpc["SecurityGroups"], "subnets": vpc["Subnets"]}}
                if vpc
                else {}
            ),
        },
        "certificates": [
            {"location": {"secretsManager": certificate_secret(certificate)}}
            for certificate in properties.get("Certificates") or []
        ],
        "tags": properties.get("Tags"),
    }
    return {name: value for name, value in parameters.items() if value}


def certificate_secret(certificate: Properties) -> dict[str, str]:
    return {"secretArn": certificate["CertificateLocation"]["SecretArn"]}


def attributes(status: Properties) -> dict[str, str]:
    return {
        "CodeInterpreterId": status["codeInterpreterId"],
        "CodeInterpreterArn": status["codeInterpreterArn"],
        "Status": status["status"],
        "FailureReason": status.get("failureReason", ""),
        "CreatedAt": status["createdAt"].isoformat(),
        "LastUpdatedAt": status["lastUpdatedAt"].isoformat(),
    }


def check_schema(logical_id: str, properties: Properties) -> None:
    """Refuse properties that the schema does not have, as CloudFormation does before Create."""
    found = problems(properties, SCHEMA, "#")
    certificates = len(properties.get("Certificates") or [])
    if certificates > MAX_CERTIFICATES:
        limit = f"expected maximum item count: {MAX_CERTIFICATES}, found: {certificates}"
        found.append(f"#/Certificates: {limit}")
    if found:
        message = "\n".join(found)
        raise ValueError(
            f"Properties validation failed for resource {logical_id} with message:\n{message}"
        )


def problems(value: Any, schema: Any, path: str) -> list[str]:
    if isinstance(schema, list):
        return [
            problem
            for index, item in enumerate(value)
            for problem in problems(item, schema[0], f"{path}/{index}")
        ]
    if not isinstance(schema, dict):
        return []
    if not isinstance(value, dict):
        return [f"{path}: expected type: JSONObject, found: {type(value).__name__}"]
    return [
        *(
            f"{path}: extraneous key [{name}] is not permitted"
            for name in value.keys() - schema.keys()
        ),
        *(
            f"{path}: required key [{name}] not found"
            for name in schema.keys() - OPTIONAL - value.keys()
        ),
        *(
            problem
            for name in schema.keys() & value.keys()
            for problem in problems(value[name], schema[name], f"{path}/{name}")
        ),
    ]


def call(operation: str, **parameters: Any) -> Properties:
    """Call the emulator as the account's root, since CloudFormation's role is not evaluated."""
    try:
        response: Properties = getattr(client(), operation)(**parameters)
    except ParamValidationError as error:
        raise HandlerError(str(error), "InvalidRequest") from error
    except ClientError as error:
        raise handler_error(error) from error
    return response


def handler_error(error: ClientError) -> HandlerError:
    details: Any = error.response
    code, message = details["Error"]["Code"], details["Error"]["Message"]
    status = details["ResponseMetadata"]["HTTPStatusCode"]
    text = helpers._sdk_error(message, "BedrockAgentCoreControl", status)
    return HandlerError(text, HANDLER_ERRORS.get(code, "ServiceInternalError"))


def client() -> Any:
    return client_of(get_account_id(), get_region())


@cache
def client_of(account: str, region: str) -> Any:
    import boto3  # here, so that the server's start does not wait for it

    return boto3.client(
        "bedrock-agentcore-control",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="test",  # noqa: S106 - the root key's secret is not checked
        config=Config(retries={"total_max_attempts": 1}),
    )
