"""The guardrails' JSON does what the page says, and the page has the pack's rules."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from ministack.core import iam_evaluator

from cdk_code_interpreter.checks import _RULES
from tests.project import PROJECT

PAGE = (PROJECT / "docs" / "guardrails.md").read_text()
POLICY, SELECTORS = (
    json.loads(block)
    for block in re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
)

SUBNETS = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
GROUPS = ["sg-0123456789abcdef0"]
CREATE = "bedrock-agentcore:CreateCodeInterpreter"
CUSTOM = "arn:aws:bedrock-agentcore:us-east-1:111111111111:code-interpreter-custom/mine-0123456789"
MANAGED = "arn:aws:bedrock-agentcore:us-east-1:aws:code-interpreter/aws.codeinterpreter.v1"
ROLE = "arn:aws:iam::111111111111:role"
BOUNDARY = "arn:aws:iam::111111111111:policy/code-interpreter-boundary"
ALLOW_ALL = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def denied_by(action: str, resource: str = "*", **context: Any) -> str | None:
    """Return the id of the statement that denies an administrator's request, or None."""
    keys = {
        "subnets": "bedrock-agentcore:subnets",
        "groups": "bedrock-agentcore:securitygroups",
        "service": "iam:passedtoservice",
        "boundary": "iam:permissionsboundary",
    }
    request = iam_evaluator.EvalContext(
        principal_arn="arn:aws:iam::111111111111:user/admin",
        principal_type="User",
        principal_account="111111111111",
        action=action,
        resource_arn=resource,
        region="us-east-1",
        service_context={keys[name]: value for name, value in context.items()},
    )
    policies = [iam_evaluator.parse_policy_document(document) for document in (ALLOW_ALL, POLICY)]
    result = iam_evaluator.evaluate(request, policies)
    assert result.decision in ("Allow", "Deny")
    return result.matched_sid if result.decision == "Deny" else None


START = "bedrock-agentcore:StartCodeInterpreterSession"
INVOKE = "bedrock-agentcore:InvokeCodeInterpreter"
AGENTCORE = {"service": "bedrock-agentcore.amazonaws.com"}
APPROVED, OTHER = f"{ROLE}/code-interpreter-a", f"{ROLE}/admin"
# The action, the resource, the condition keys, and the statement that denies it.
CASES: list[tuple[str, str, dict[str, Any], str | None]] = [
    (CREATE, "*", {"subnets": SUBNETS, "groups": GROUPS}, None),
    (CREATE, "*", {"subnets": SUBNETS[:1], "groups": GROUPS}, None),
    (CREATE, "*", {}, "SubnetsAreGiven"),
    (CREATE, "*", {"groups": GROUPS}, "SubnetsAreGiven"),
    (CREATE, "*", {"subnets": SUBNETS}, "GroupsAreGiven"),
    (CREATE, "*", {"subnets": ["subnet-9"], "groups": GROUPS}, "SubnetsAreApproved"),
    (CREATE, "*", {"subnets": [*SUBNETS, "subnet-9"], "groups": GROUPS}, "SubnetsAreApproved"),
    (CREATE, "*", {"subnets": SUBNETS, "groups": [*GROUPS, "sg-9"]}, "GroupsAreApproved"),
    ("iam:PassRole", APPROVED, AGENTCORE, None),
    ("iam:PassRole", OTHER, AGENTCORE, "RolesAreApproved"),
    ("iam:PassRole", OTHER, {"service": "lambda.amazonaws.com"}, None),
    ("iam:CreateRole", APPROVED, {"boundary": BOUNDARY}, None),
    ("iam:CreateRole", APPROVED, {}, "RolesHaveTheBoundary"),
    ("iam:CreateRole", OTHER, {}, None),
    ("iam:AttachRolePolicy", APPROVED, {}, "RolesHaveTheBoundary"),
    ("iam:PutRolePolicy", APPROVED, {"boundary": f"{BOUNDARY}2"}, "RolesHaveTheBoundary"),
    ("iam:PutRolePermissionsBoundary", APPROVED, {}, "RolesHaveTheBoundary"),
    ("iam:DeleteRolePermissionsBoundary", APPROVED, {}, "TheBoundaryStays"),
    ("iam:DeleteRolePermissionsBoundary", OTHER, {}, None),
    (START, MANAGED, {}, "NoManagedInterpreter"),
    (INVOKE, MANAGED, {}, "NoManagedInterpreter"),
    (START, CUSTOM, {}, None),
    (INVOKE, CUSTOM, {}, None),
]


@pytest.mark.parametrize(("action", "resource", "context", "statement"), CASES)
def test_the_policy_denies_what_the_page_says(
    action: str, resource: str, context: dict[str, Any], statement: str | None
) -> None:
    assert denied_by(action, resource, **context) == statement


def test_every_statement_denies_something() -> None:
    denying = {statement for *_, statement in CASES} - {None}
    assert denying == {statement["Sid"] for statement in POLICY["Statement"]}


def test_the_policy_fits_into_an_organisation() -> None:
    """Organizations takes 5,120 characters, and counts the white space that its API is sent."""
    assert len(json.dumps(POLICY, separators=(",", ":"))) <= 5_120
    assert iam_evaluator.validate_policy_document(POLICY) is None


# CloudTrail.


def is_selected(event: dict[str, str]) -> bool:
    return any(
        all(event.get(field["Field"]) in field["Equals"] for field in selector["FieldSelectors"])
        for selector in SELECTORS
    )


@pytest.mark.parametrize(
    ("event", "selected"),
    [
        ({"eventCategory": "Management"}, True),
        ({"eventCategory": "Data", "resources.type": "AWS::BedrockAgentCore::Memory"}, False),
        (
            {
                "eventCategory": "Data",
                "resources.type": "AWS::BedrockAgentCore::CodeInterpreterCustom",
            },
            True,
        ),
        (
            {"eventCategory": "Data", "resources.type": "AWS::BedrockAgentCore::CodeInterpreter"},
            True,
        ),
        ({"eventCategory": "Data", "resources.type": "AWS::S3::Object"}, False),
    ],
)
def test_sessions_and_invocations_are_logged_beside_management_events(
    event: dict[str, str], selected: bool
) -> None:
    assert is_selected(event) is selected


def test_cloudtrail_takes_the_selectors() -> None:
    client = boto3.client("cloudtrail", region_name="us-east-1")
    shape = client.meta.service_model.operation_model("PutEventSelectors").input_shape
    given = {"TrailName": "trail", "AdvancedEventSelectors": SELECTORS}
    assert not ParamValidator().validate(given, shape).has_errors()


# The rules.


def test_the_page_has_the_rules_of_the_pack() -> None:
    table = PAGE.partition("<!-- rules -->\n")[2].partition("<!-- end of rules -->")[0]
    rows = [
        f"| `CodeInterpreter-{rule.name}` | {rule.info} | {rule.reason} | {rule.remedy} |"
        for rule in _RULES
    ]
    assert table.splitlines()[2:] == rows
