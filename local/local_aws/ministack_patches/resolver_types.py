"""Add CloudFormation's types of Route 53 Resolver's DNS Firewall and query logs.

The gap: MiniStack has no Route 53 Resolver, and refuses its types as unrecognized. Here the
resources exist for CloudFormation alone: they obey the service's rules about references, priorities
and the order of deletion, and resolve no name.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import ec2

from local_aws.ministack_patches.requirements import require
from local_aws.ministack_patches.resource_types import Created, Handlers, Properties, add_types

# "Route 53 Resolver quotas", Amazon Route 53 developer guide.
MAX_RULE_GROUPS_OF_A_VPC = 5
# AssociateFirewallRuleGroup, Amazon Route 53 API reference: both limits are excluded.
PRIORITIES = range(101, 9900)

# The properties of every resource, by its id.
resources: Any = AccountRegionScopedDict()


def install() -> None:
    """Add the types."""
    require(ec2, ["_vpcs"])
    add_types(TYPES)


def handlers_of(
    prefix: str, path: str, check: Callable[[str, Properties], None], used_as: str = ""
) -> Handlers:
    """Return the handlers of a type.

    :param prefix: The beginning of an id.
    :param path: The part of an ARN before the id.
    :param check: Raises ValueError for properties that the service refuses; gets the id, too.
    :param used_as: The property by which other resources refer to one of this type, which then
        cannot be deleted.
    """

    def described(resource_id: str) -> Created:
        arn = f"arn:aws:route53resolver:{get_region()}:{get_account_id()}:{path}/{resource_id}"
        return resource_id, {"Id": resource_id, "Arn": arn}

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
        resource_id = f"{prefix}-{secrets.token_hex(8)}"
        check(resource_id, properties)
        resources[resource_id] = properties
        return described(resource_id)

    def update(resource_id: str, _old: Properties, new: Properties, _stack_name: str) -> Created:
        check(resource_id, new)
        resources[resource_id] = new
        return described(resource_id)

    def delete(resource_id: str, _properties: Properties) -> None:
        users = [
            user
            for user, properties in resources.items()
            if resource_id in values_of(properties, used_as)
        ]
        if users:
            raise ValueError(f"{resource_id} is in use by {', '.join(users)}")
        resources.pop(resource_id, None)

    return {"create": create, "update": update, "delete": delete}


def values_of(properties: Properties, name: str) -> list[Any]:
    """Return the values of a property of a resource or of its rules."""
    return [
        part[name] for part in (properties, *properties.get("FirewallRules", ())) if name in part
    ]


def check_exists(resource_id: str) -> None:
    if resource_id not in resources:
        raise ValueError(f"Resource not found: {resource_id}")


def check_vpc(vpc_id: str) -> None:
    if vpc_id not in ec2._vpcs:
        raise ValueError(f"The VPC '{vpc_id}' does not exist")


def check_domains(_list_id: str, properties: Properties) -> None:
    if not properties.get("Domains") and not properties.get("DomainFileUrl"):
        raise ValueError("A domain list needs Domains or DomainFileUrl")


def check_rules(_group_id: str, properties: Properties) -> None:
    rules = properties.get("FirewallRules", ())
    priorities = [rule["Priority"] for rule in rules]
    if len(set(priorities)) < len(priorities):
        raise ValueError("Two rules of a rule group have the same priority")
    for rule in rules:
        if "FirewallDomainListId" in rule:
            check_exists(rule["FirewallDomainListId"])
        if rule["Action"] == "BLOCK" and "BlockResponse" not in rule:
            raise ValueError("A rule with the action BLOCK needs a BlockResponse")


def check_association(association_id: str, properties: Properties) -> None:
    check_exists(properties["FirewallRuleGroupId"])
    check_vpc(properties["VpcId"])
    if int(properties["Priority"]) not in PRIORITIES:
        raise ValueError("The priority of an association is a number between 100 and 9900")
    others = [
        other
        for other_id, other in resources.items()
        if other_id != association_id
        and "FirewallRuleGroupId" in other
        and other["VpcId"] == properties["VpcId"]
    ]
    if int(properties["Priority"]) in {int(other["Priority"]) for other in others}:
        raise ValueError("Another rule group of the VPC has the same priority")
    if len(others) >= MAX_RULE_GROUPS_OF_A_VPC:
        raise ValueError(f"A VPC has at most {MAX_RULE_GROUPS_OF_A_VPC} rule groups")


def check_query_log(_log_id: str, properties: Properties) -> None:
    if not properties.get("DestinationArn"):
        raise ValueError("A configuration of query logs needs a DestinationArn")


def check_query_log_association(_association_id: str, properties: Properties) -> None:
    check_exists(properties["ResolverQueryLogConfigId"])
    check_vpc(properties["ResourceId"])


PREFIX = "AWS::Route53Resolver::"
TYPES: dict[str, Handlers] = {
    f"{PREFIX}FirewallDomainList": handlers_of(
        "rslvr-fdl", "firewall-domain-list", check_domains, "FirewallDomainListId"
    ),
    f"{PREFIX}FirewallRuleGroup": handlers_of(
        "rslvr-frg", "firewall-rule-group", check_rules, "FirewallRuleGroupId"
    ),
    f"{PREFIX}FirewallRuleGroupAssociation": handlers_of(
        "rslvr-frgassoc", "firewall-rule-group-association", check_association
    ),
    f"{PREFIX}ResolverQueryLoggingConfig": handlers_of(
        "rqlc", "resolver-query-log-config", check_query_log, "ResolverQueryLogConfigId"
    ),
    f"{PREFIX}ResolverQueryLoggingConfigAssociation": handlers_of(
        "rqlca", "resolver-query-log-config-association", check_query_log_association
    ),
}
