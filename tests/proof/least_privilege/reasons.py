"""The exceptions, each with its reason."""

from __future__ import annotations

import json
import re

from .access import Request, Statement
from .probes import Probe

# Each exception: a pattern of a statement, a pattern of the rest, and the reason.
Exceptions = list[tuple[str, str, str]]
UNUSED: Exceptions = [
    (
        "Encrypted/InvokeFunctionRole",
        "sqs:Get",
        "CDK's `SqsDestination` grants it with the sending",
    ),
    (
        r"Gateway/ToolsServiceRole\w+\.trust\[1\]",
        "",
        "CDK adds a statement for the gateway, which its first statement makes superfluous",
    ),
]
RESOURCES: Exceptions = [
    (
        "",
        r"arn:aws:lambda:\S+:\* is a resource of none",
        "CDK's grants of invocation name all versions of the function, too",
    ),
    (
        "FlowLog",
        "logs:DescribeLogStreams takes none of",
        "CDK names the log group as Amazon CloudWatch Logs does, with `:*` at the end",
    ),
    (
        "Vpc/.*FunctionRole",
        "ec2:",
        "Lambda checks it before there is an interface; AWS's managed policy has *, too",
    ),
]
ANALYSER: Exceptions = [
    ("Vpc/.*FunctionRole", "RESOURCE_STAR.*ec2:", "the same"),
    (
        "",
        "RESOURCE_MISMATCH.*:aws:code-interpreter/",
        "the actions take an interpreter of either kind, and parliament asks for both",
    ),
    (
        "Managed/",
        "RESOURCE_MISMATCH.*:code-interpreter-custom/",
        "the actions take an interpreter of either kind, and parliament asks for both",
    ),
    ("Managed/", "INVALID_ARN Account", "the account of the managed interpreter is `aws`"),
    (
        "Filesystems/",
        "MISMATCHED_TYPE_BUT_USABLE",
        "the page of Amazon EFS compares an access point's ARN as a string",
    ),
]
# Mutants of grants that CDK makes, and that the library cannot narrow.
SURVIVORS: Exceptions = [
    (
        "",
        r"(drop|widen) arn:aws:lambda:\S+:\*",
        "CDK's grants of invocation name all versions of the function, too",
    ),
    ("Encrypted/InvokeFunctionRole", "drop sqs:Get", "CDK's `SqsDestination` grants it"),
    (
        r"Gateway/ToolsServiceRole\w+\.trust",
        "",
        "CDK's second statement of trust limits nothing, because its first has no condition",
    ),
    (
        "CustomS3AutoDeleteObjects",
        "s3:GetBucketTagging",
        "needed once the bucket's policy is gone, when the bucket is to be retained again",
    ),
]
# A denial that the control function expects.
DENIED: list[tuple[str, str]] = [
    (
        r"Renamed-.*:GetCodeInterpreter .*/(before|after)-",
        "an interpreter that is gone has no tags, and its name is not the template's any more; "
        "the function finds in the list that it is gone",
    ),
]
# An axis of a probe, what it is about, and the reason for which the probe is allowed.
ALLOWED: Exceptions = [
    (
        "sibling|name with the same",
        ":ListTagsForResource",
        "the control function finds its interpreters by their tags, so it reads all tags",
    ),
    (
        "(sibling|name with the same (end|beginning))$",
        ":TagResource .*/(other-|x|.*x )",
        "an interpreter that is being created has neither a known name nor a tag; one with the tag "
        "of another stack is refused",
    ),
    (
        "aws:source",
        "Gateway: bedrock-agentcore.amazonaws.com sts:AssumeRole",
        "CDK makes a gateway's role, which the service may assume for any source",
    ),
    (
        "aws:sourcearn",
        "Upkeep: scheduler.amazonaws.com sts:AssumeRole",
        "the role trusts schedules of its account; only somebody who may pass it gives it to one",
    ),
    (
        "aws:sourcearn of a(nother kind| sibling| longer name)",
        "delivery.logs.amazonaws.com logs:",
        "the page of CloudWatch Logs admits each source of the account; only somebody who may make "
        "a delivery to the log group has one",
    ),
    (
        "without TLS|TLS 1.1|SigV2|signature of",
        "OwnPolicies-ExecutionRole.* arn:aws:s3:::data-of-users",
        "the bucket and its policy are the user's",
    ),
    (
        "aws:logs:arn of a (sibling|longer name)",
        "logs.us-east-1.amazonaws.com kms:",
        "the user's key serves all log groups of the account",
    ),
    (
        "another interpreter's records",
        "Consumer-User",
        "`grant_read_write()` covers the records of every interpreter with the prefix",
    ),
    (
        "another action|prefix|records",
        "CustomS3AutoDeleteObjects",
        "CDK's function that empties a bucket",
    ),
    ("another action", "sqs:Get", "CDK's `SqsDestination` grants it with the sending"),
    (
        "sibling|longer name",
        "Certificates-.* kms:Decrypt",
        "the key of an imported secret is unknown, and Secrets Manager decrypts for a caller only "
        "the secrets that the caller may read",
    ),
]


def reason(exceptions: Exceptions, statement: Statement, text: str) -> str | None:
    for place, pattern, why in exceptions:
        if re.search(place, str(statement)) and re.search(pattern, text):
            return why
    return None


def describe(request: Request) -> str:
    keys = json.dumps(request.keys, sort_keys=True)
    return f"{request.source}: {request.principal} {request.action} {request.resource} {keys}"


def is_expected(probe: Probe) -> bool:
    return any(
        re.search(axis, probe.axis) and re.search(about, describe(probe.request))
        for axis, about, _ in ALLOWED
    )
