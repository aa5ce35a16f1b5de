"""Rule groups of Route 53 Resolver DNS Firewall, which decides about the DNS queries of a VPC.

DNS Firewall blocks the queries that it cannot decide about, unless the VPC's configuration says
otherwise, which nothing here changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from .late_module import LateModule

if TYPE_CHECKING:
    from aws_cdk import aws_route53resolver as resolver
else:
    resolver = LateModule("aws_cdk.aws_route53resolver")

# A list with this domain has every name ("Route 53 Resolver DNS Firewall walled garden example",
# Amazon Route 53 developer guide).
_EVERY_DOMAIN = "*"
# Of several rule groups of a VPC, the one with the lowest number decides first.
_OPENING_PRIORITY = 1000
_CLOSING_PRIORITY = 8000


class ClosedDns:
    """Rules for which no name exists but those that `allow()` adds."""

    def __init__(self, scope: Construct, vpc: ec2.IVpc) -> None:
        self._scope = scope
        self._allowed: resolver.CfnFirewallDomainList | None = None
        every_domain = resolver.CfnFirewallDomainList(scope, "AllDomains", domains=[_EVERY_DOMAIN])
        self._block = resolver.CfnFirewallRuleGroup.FirewallRuleProperty(
            action="BLOCK",
            priority=200,
            block_response="NXDOMAIN",
            firewall_domain_list_id=every_domain.attr_id,
        )
        self._group, self.association = _associate(scope, vpc, [self._block], _CLOSING_PRIORITY)

    def allow(self, domains: Sequence[str]) -> None:
        """Add names that exist."""
        if self._allowed is None:
            names = list(dict.fromkeys(domains))
            self._allowed = resolver.CfnFirewallDomainList(self._scope, "Domains", domains=names)
            self._group.firewall_rules = [_allow(self._allowed), self._block]
        else:
            existing = self._allowed.domains or []
            self._allowed.domains = list(dict.fromkeys([*existing, *domains]))


def open_dns(scope: Construct, vpc: ec2.IVpc, domains: Sequence[str]) -> None:
    """Add names that exist to a VPC with `ClosedDns`, in another stack."""
    allowed = resolver.CfnFirewallDomainList(scope, "Domains", domains=list(domains))
    _associate(scope, vpc, [_allow(allowed)], _OPENING_PRIORITY)


def _allow(
    domains: resolver.CfnFirewallDomainList,
) -> resolver.CfnFirewallRuleGroup.FirewallRuleProperty:
    """Return the rule that resolves the names of a list.

    The names of Amazon S3 are aliases of others, which change, and the rule trusts these: otherwise
    the list would need them, too.
    """
    return resolver.CfnFirewallRuleGroup.FirewallRuleProperty(
        action="ALLOW",
        priority=100,
        firewall_domain_list_id=domains.attr_id,
        firewall_domain_redirection_action="TRUST_REDIRECTION_DOMAIN",
    )


def _associate(
    scope: Construct,
    vpc: ec2.IVpc,
    rules: Sequence[resolver.CfnFirewallRuleGroup.FirewallRuleProperty],
    priority: int,
) -> tuple[resolver.CfnFirewallRuleGroup, resolver.CfnFirewallRuleGroupAssociation]:
    group = resolver.CfnFirewallRuleGroup(scope, "FirewallRules", firewall_rules=list(rules))
    association = resolver.CfnFirewallRuleGroupAssociation(
        scope,
        "Firewall",
        firewall_rule_group_id=group.attr_id,
        priority=priority,
        vpc_id=vpc.vpc_id,
        # Mutation protection would make the deletion of the stack fail.
    )
    return group, association
