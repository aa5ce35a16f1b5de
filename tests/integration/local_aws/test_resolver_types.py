"""Route 53 Resolver's types follow the service's rules, and go with their stack in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from local_aws import LocalAws

PREFIX = "AWS::Route53Resolver::"


def get(name: str, attribute: str = "Id") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def firewall() -> dict[str, dict[str, Any]]:
    """Return the resources of a firewall that blocks every name, with logs of queries."""
    vpc = {"Ref": "Vpc"}
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.1.0.0/16"),
        "All": resource(f"{PREFIX}FirewallDomainList", Domains=["*"]),
        "Rules": resource(
            f"{PREFIX}FirewallRuleGroup",
            FirewallRules=[
                {
                    "Action": "BLOCK",
                    "BlockResponse": "NXDOMAIN",
                    "FirewallDomainListId": get("All"),
                    "Priority": 1,
                }
            ],
        ),
        "Firewall": resource(
            f"{PREFIX}FirewallRuleGroupAssociation",
            FirewallRuleGroupId=get("Rules"),
            Priority=101,
            VpcId=vpc,
        ),
        "Log": resource(
            f"{PREFIX}ResolverQueryLoggingConfig",
            DestinationArn="arn:aws:logs:us-east-1:123456789012:log-group:queries:*",
        ),
        "LogAssociation": resource(
            f"{PREFIX}ResolverQueryLoggingConfigAssociation",
            ResolverQueryLogConfigId=get("Log"),
            ResourceId=vpc,
        ),
    }


class Stack:
    """A stack of an account."""

    def __init__(self, local_aws: LocalAws, account: str, name: str = "a-stack") -> None:
        self._client = local_aws.client("cloudformation", account)
        self._name = name

    def _wait(self, event: str) -> None:
        waiter = self._client.get_waiter(f"stack_{event}_complete")
        waiter.wait(StackName=self._name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})

    def create(self, resources: dict[str, Any]) -> None:
        body = json.dumps({"Resources": resources})
        self._client.create_stack(StackName=self._name, TemplateBody=body)
        self._wait("create")

    def update(self, resources: dict[str, Any]) -> None:
        body = json.dumps({"Resources": resources})
        self._client.update_stack(StackName=self._name, TemplateBody=body)
        self._wait("update")

    def delete(self) -> None:
        self._client.delete_stack(StackName=self._name)
        self._wait("delete")

    def ids(self) -> dict[str, str]:
        found = self._client.describe_stack_resources(StackName=self._name)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    def reasons(self) -> str:
        events = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)


def test_a_firewall_is_created_changed_and_deleted(local_aws: LocalAws, account: str) -> None:
    stack = Stack(local_aws, account)
    stack.create(firewall())
    ids = stack.ids()
    assert ids["Rules"].startswith("rslvr-frg-")
    changed = firewall()
    changed["All"]["Properties"]["Domains"] = ["*.example.com"]
    stack.update(changed)
    assert stack.ids() == ids
    stack.delete()


@pytest.mark.parametrize(
    ("name", "property_name", "value", "reason"),
    [
        ("Firewall", "Priority", 100, "between 100 and 9900"),
        ("Firewall", "VpcId", "vpc-0", "The VPC 'vpc-0' does not exist"),
        ("Firewall", "FirewallRuleGroupId", "rslvr-frg-0", "Resource not found"),
        ("All", "Domains", [], "needs Domains"),
        ("LogAssociation", "ResolverQueryLogConfigId", "rqlc-0", "Resource not found"),
    ],
)
def test_properties_that_the_service_refuses_are_refused(
    local_aws: LocalAws, account: str, name: str, property_name: str, value: Any, reason: str
) -> None:
    stack = Stack(local_aws, account)
    resources = firewall()
    resources[name]["Properties"][property_name] = value
    with pytest.raises(WaiterError):
        stack.create(resources)
    assert reason in stack.reasons()


def test_two_rule_groups_of_a_vpc_need_two_priorities(local_aws: LocalAws, account: str) -> None:
    resources = firewall()
    resources["Second"] = {**resources["Firewall"], "DependsOn": "Firewall"}
    stack = Stack(local_aws, account)
    with pytest.raises(WaiterError):
        stack.create(resources)
    assert "same priority" in stack.reasons()


def test_a_list_in_use_is_not_deleted(local_aws: LocalAws, account: str) -> None:
    resources = firewall()
    lists, users = Stack(local_aws, account), Stack(local_aws, account, "users")
    lists.create({"All": resources["All"]})
    rules = resources["Rules"]
    rules["Properties"]["FirewallRules"][0]["FirewallDomainListId"] = lists.ids()["All"]
    users.create({"Rules": rules})
    with pytest.raises(WaiterError, match="DELETE_FAILED"):
        lists.delete()
    assert "is in use by rslvr-frg-" in lists.reasons()
    users.delete()
    lists.delete()
