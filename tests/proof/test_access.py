"""The evaluator decides as IAM's user guide says, for the elements that the policies use."""

from __future__ import annotations

from typing import Any

import pytest

from .least_privilege.access import OPERATORS, Policies, Request, Statement, frozen

ACCOUNT = "111111111111"
ACTION, RESOURCE = "s3:GetObject", "arn:aws:s3:::bucket/key"
Keys = dict[str, Any]
# "IAM JSON policy elements: Condition operators": the operator, its values, and the request's keys
# with which the condition holds and does not hold.
CONDITIONS: dict[str, tuple[Keys, list[Keys], list[Keys]]] = {
    "StringEquals": ({"a:k": ["x", "y"]}, [{"a:k": "x"}, {"a:k": "y"}], [{"a:k": "X"}, {}]),
    "StringEqualsIfExists": ({"a:k": "x"}, [{"a:k": "x"}, {}], [{"a:k": "y"}]),
    "StringNotEquals": ({"a:k": ["x", "y"]}, [{"a:k": "z"}, {}], [{"a:k": "x"}, {"a:k": "y"}]),
    "StringLike": ({"a:k": "x*?"}, [{"a:k": "xy"}, {"a:k": "x/y/z"}], [{"a:k": "x"}, {}]),
    "ArnLike": (
        {"aws:sourcearn": "arn:aws:s:r:1:kind/name-??"},
        [{"aws:sourcearn": "arn:aws:s:r:1:kind/name-ab"}],
        [{"aws:sourcearn": "arn:aws:s:r:1:kind/name-abc"}, {}],
    ),
    "Bool": (
        {"aws:SecureTransport": "false"},
        [{"aws:securetransport": "false"}],
        [{"aws:securetransport": "true"}],
    ),
    "NumericLessThan": ({"s3:TlsVersion": "1.2"}, [{"s3:tlsversion": "1.1"}], [{}]),
    "NumericGreaterThan": ({"a:k": "900"}, [{"a:k": "901"}], [{"a:k": "900"}, {}]),
    "Null": ({"a:k": "true", "a:l": "false"}, [{"a:l": "x"}], [{"a:k": "x", "a:l": "x"}, {}]),
    "ForAllValues:StringEquals": (
        {"a:k": ["x", "y"]},
        [{"a:k": ["x"]}, {"a:k": ["y", "x"]}, {}],
        [{"a:k": ["x", "z"]}],
    ),
}


def allows(*bodies: Keys, keys: Keys | None = None, resource: str = RESOURCE) -> bool:
    statements = [(Statement("S", "role", "r", "P", n, ""), body) for n, body in enumerate(bodies)]
    request = Request("r", ACTION, resource, frozen(keys or {}), ACCOUNT, "us-east-1", "S")
    return Policies(statements, ACCOUNT).allows(request)


def statement(effect: str = "Allow", **members: Any) -> Keys:
    return {"Effect": effect, "Action": ACTION, "Resource": RESOURCE, **members}


def test_every_operator_of_the_policies_has_cases() -> None:
    assert set(CONDITIONS) == OPERATORS


@pytest.mark.parametrize("operator", CONDITIONS)
def test_a_condition_holds_as_the_guide_says(operator: str) -> None:
    wanted, holding, failing = CONDITIONS[operator]
    body = statement(Condition={operator: wanted})
    assert [keys for keys in holding if not allows(body, keys=keys)] == []
    assert [keys for keys in failing if allows(body, keys=keys)] == []


def test_every_condition_of_a_statement_has_to_hold() -> None:
    body = statement(Condition={"StringEquals": {"a:k": "x"}, "Null": {"a:l": "true"}})
    assert allows(body, keys={"a:k": "x"})
    assert not allows(body, keys={"a:k": "x", "a:l": "y"})


@pytest.mark.parametrize(
    ("pattern", "is_matched"),
    [
        ("*", True),
        ("arn:aws:s3:::bucket/*", True),
        ("arn:aws:s3:::bucket/ke?", True),
        ("arn:aws:s3:::bucket/k?", False),
        ("arn:aws:s3:::Bucket/key", False),
        ("arn:aws:s3:::bucket", False),
    ],
)
def test_a_resource_matches_as_a_whole_and_by_its_case(pattern: str, is_matched: bool) -> None:
    assert allows(statement(Resource=pattern)) == is_matched


@pytest.mark.parametrize(
    ("action", "is_matched"),
    [("s3:getobject", True), ("s3:Get*", True), ("s3:GetObjectTagging", False), ("*", True)],
)
def test_an_action_matches_without_its_case(action: str, is_matched: bool) -> None:
    assert allows(statement(Action=action)) == is_matched


def test_a_deny_wins_and_nothing_is_allowed_without_an_allow() -> None:
    assert not allows()
    assert not allows(statement(), statement("Deny"))
    assert allows(statement(), statement("Deny", Resource="arn:aws:s3:::others/*"))
