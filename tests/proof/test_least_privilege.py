"""The judge of permissions notices a permission too many, one too few, and one that is too wide."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from .least_privilege.access import (
    LOG_POLICIES,
    Body,
    Kind,
    Policies,
    Request,
    Statement,
    frozen,
)
from .least_privilege.authorization_data import misfits
from .least_privilege.proof import judge
from .least_privilege.scenario import Recording

ACCOUNT = "111111111111"
INTERPRETERS = f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:code-interpreter-custom"
BUCKET = "arn:aws:s3:::files"
USE: Body = {
    "Effect": "Allow",
    "Action": [
        "bedrock-agentcore:InvokeCodeInterpreter",
        "bedrock-agentcore:StartCodeInterpreterSession",
    ],
    "Resource": f"{INTERPRETERS}/one-0123456789",
}
LIST: Body = {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": BUCKET,
    "Condition": {"StringLike": {"s3:prefix": "workspace/*"}},
}


READ: Body = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/workspace/*"}


def request(action: str, resource: str, **keys: str) -> Request:
    context = frozen({key.replace("_", ":"): value for key, value in keys.items()})
    return Request("role", action, resource, context, ACCOUNT, "us-east-1", "Stack")


NEEDED = [
    *(request(action, f"{INTERPRETERS}/one-0123456789") for action in USE["Action"]),
    request("s3:ListBucket", BUCKET, s3_prefix="workspace/a/"),
    request("s3:GetObject", f"{BUCKET}/workspace/a/b"),
]
REFUSALS: Body = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [BUCKET, f"{BUCKET}/*"],
}
CONDITIONS: list[dict[str, Any]] = [
    {"Bool": {"aws:SecureTransport": "false"}},
    {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    {"StringEquals": {"s3:signatureversion": "AWS"}},
    {"NumericGreaterThan": {"s3:signatureAge": "900000"}},
]


def failures(
    *bodies: Body, needed: list[Request] = NEEDED, resources: Sequence[tuple[Kind, str, Body]] = ()
) -> list[str]:
    held: list[tuple[Kind, str, Body]] = [("role", "role", body) for body in (*bodies, READ)]
    held += [("bucket", BUCKET, {**REFUSALS, "Condition": one}) for one in CONDITIONS]
    held += resources
    policies = Policies(
        (
            (Statement("Stack", kind, holder, "Policy", number, json.dumps(body)), body)
            for number, (kind, holder, body) in enumerate(held)
        ),
        ACCOUNT,
    )
    recording = Recording({"role": "Stack"}, policies)
    recording.requests = dict.fromkeys(needed)
    return judge(recording, random.Random(1)).failures


def test_policies_that_fit_their_requests_have_no_failure() -> None:
    assert failures(USE, LIST) == []


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([USE], "needed, but denied: .* s3:ListBucket"),
        (
            [
                {**USE, "Action": [*USE["Action"], "bedrock-agentcore:StopCodeInterpreterSession"]},
                LIST,
            ],
            "granted, but never used: .*StopCodeInterpreterSession",
        ),
        (
            [{**USE, "Resource": f"{INTERPRETERS}/*"}, LIST],
            r"allowed, but not needed \(sibling\)",
        ),
        (
            [{**USE, "Resource": "*"}, LIST],
            r"allowed, but not needed \(the managed interpreter\)",
        ),
        (
            [USE, {**LIST, "Condition": {}}],
            r"allowed, but not needed \(a list of the whole bucket\)",
        ),
        ([USE, LIST, {**LIST, "Action": "s3:*"}], r"allowed, but not needed \(another action\)"),
        # One of two that allow the same is not needed.
        ([USE, LIST, LIST], "survivor: .*: drop s3:ListBucket"),
    ],
)
def test_a_policy_that_does_not_fit_fails(bodies: list[Body], expected: str) -> None:
    found = "\n".join(failures(*bodies))
    assert re.search(expected, found), found


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:requests"
DECRYPT: Body = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY}
ACCOUNT_DECIDES: Body = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
ENCRYPT_LOGS: Body = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
    "Action": "kms:Encrypt",
    "Resource": "*",
    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": GROUP}},
}
DELIVER: Body = {
    "Effect": "Allow",
    "Principal": {"Service": "delivery.logs.amazonaws.com"},
    "Action": "logs:PutLogEvents",
    "Resource": f"{GROUP}:*",
    "Condition": {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:*"},
    },
}
OF_SERVICES = [
    request("kms:Decrypt", KEY),
    replace(
        request("kms:Encrypt", KEY).with_keys(**{"kms:encryptioncontext:aws:logs:arn": GROUP}),
        principal="logs.us-east-1.amazonaws.com",
    ),
    replace(
        request(
            "logs:PutLogEvents",
            f"{GROUP}:log-stream:1",
            aws_sourceaccount=ACCOUNT,
            aws_sourcearn=f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-source:requests",
        ),
        principal="delivery.logs.amazonaws.com",
    ),
]


def failures_of_resources(*of_key: Body, delivery: Body = DELIVER) -> str:
    resources: list[tuple[Kind, str, Body]] = [("key", KEY, body) for body in of_key]
    resources.append(("logs", LOG_POLICIES, delivery))
    needed = [*NEEDED, *OF_SERVICES]
    return "\n".join(failures(USE, LIST, DECRYPT, needed=needed, resources=resources))


def test_policies_of_keys_and_log_groups_that_fit_have_no_failure() -> None:
    assert failures_of_resources(ACCOUNT_DECIDES, ENCRYPT_LOGS) == ""


@pytest.mark.parametrize(
    ("of_key", "expected"),
    [
        ([ENCRYPT_LOGS], "needed, but denied: .* kms:Decrypt"),
        ([ACCOUNT_DECIDES], "needed, but denied: .* kms:Encrypt"),
        (
            [{**ACCOUNT_DECIDES, "Principal": {"AWS": "*"}}, ENCRYPT_LOGS],
            r"allowed, but not needed \(another action\): .* kms:",
        ),
        (
            [ACCOUNT_DECIDES, {**ENCRYPT_LOGS, "Condition": {}}],
            r"allowed, but not needed \(without kms:encryptioncontext:aws:logs:arn\)",
        ),
        ([ACCOUNT_DECIDES, ENCRYPT_LOGS, ENCRYPT_LOGS], "survivor: .*: drop kms:Encrypt"),
    ],
)
def test_a_policy_of_a_key_that_does_not_fit_fails(of_key: list[Body], expected: str) -> None:
    found = failures_of_resources(*of_key)
    assert re.search(expected, found), found


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"Resource": "*"}, r"allowed, but not needed \(another log group\)"),
        (
            {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}},
            r"allowed, but not needed \(aws:sourcearn of another account\)",
        ),
        (
            {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"]},
            "survivor: .*: drop logs:CreateLogStream",
        ),
        (
            {"Principal": {"Service": ["delivery.logs.amazonaws.com", "ec2.amazonaws.com"]}},
            r"allowed, but not needed \(another service\)",
        ),
    ],
)
def test_a_policy_of_log_groups_that_does_not_fit_fails(
    members: dict[str, Any], expected: str
) -> None:
    found = failures_of_resources(ACCOUNT_DECIDES, ENCRYPT_LOGS, delivery={**DELIVER, **members})
    assert re.search(expected, found), found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"Action": "s3:ListObjectsV2", "Resource": BUCKET}, "s3:ListObjectsV2 does not exist"),
        ({"Action": "s3:GetObject", "Resource": BUCKET}, f"s3:GetObject takes none of {BUCKET}"),
        (
            {"Action": "s3:GetObject", "Resource": "*"},
            "s3:GetObject on *, but it takes accesspointobject, object",
        ),
        (
            {"Action": "bedrock-agentcore:CreateCodeInterpreter", "Resource": f"{INTERPRETERS}/*"},
            "takes no resource",
        ),
        (
            {
                "Action": "kms:Decrypt",
                "Resource": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1",
                "Condition": {"StringEquals": {"s3:prefix": "a"}},
            },
            "kms:Decrypt has no condition key s3:prefix",
        ),
        (
            {"Action": "s3:GetObject", "Resource": [f"{BUCKET}/*", f"{INTERPRETERS}/*"]},
            f"{INTERPRETERS}/* is a resource of none of the actions",
        ),
    ],
)
def test_a_statement_that_grants_nothing_is_found(body: Body, expected: str) -> None:
    assert expected in "\n".join(misfits(body))


@pytest.mark.parametrize("body", [USE, LIST])
def test_a_statement_that_fits_the_data_is_not(body: Body) -> None:
    assert misfits(body) == []
