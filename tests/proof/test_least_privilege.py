"""The judge of permissions notices a permission too many, one too few, and one that is too wide."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from .least_privilege.access import Body, Policies, Request, Statement, frozen
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


def failures(*bodies: Body, needed: list[Request] = NEEDED) -> list[str]:
    held = [("role", "role", body) for body in (*bodies, READ)]
    held += [("bucket", BUCKET, {**REFUSALS, "Condition": one}) for one in CONDITIONS]
    policies = Policies(
        (
            (Statement("Stack", kind, holder, "Policy", number, json.dumps(body)), body)  # type: ignore[arg-type]
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
