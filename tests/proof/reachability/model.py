"""A model of what code in a sandbox reaches, from the resources of the templates.

Each layer is judged alone, as if the others let everything pass: layers overlap on purpose, and a
hole in one must show although another still covers it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.iam_evaluator import fnmatch_iam, fnmatch_iam_cs

from .destinations import S3_ADDRESS, Bucket, Destination, Host, Inbound, Name, Service
from .templates import Resource, Resources

INTERPRETER = "Custom::CodeInterpreter"
ANY_PROTOCOL = "-1"


class Model:
    """The network of the only code interpreter in the resources."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        [(self.interpreter_name, interpreter)] = self.of_kind(INTERPRETER)
        self.interpreter = interpreter
        network = interpreter.properties["NetworkConfiguration"]
        self.mode: str = network["NetworkMode"]
        vpc = network.get("VpcConfig", {})
        self.subnets: list[str] = vpc.get("Subnets", [])
        self.groups: list[str] = vpc.get("SecurityGroups", [])
        self.route_tables = {
            association.properties["RouteTableId"]
            for _, association in self.of_kind("AWS::EC2::SubnetRouteTableAssociation")
            if association.properties["SubnetId"] in self.subnets
        }

    def of_kind(self, kind: str) -> list[tuple[str, Resource]]:
        return [(name, one) for name, one in self.resources.items() if one.kind == kind]

    @property
    def bucket(self) -> str:
        """The name of the workspace's bucket, the only one in the resources."""
        [(name, _)] = self.of_kind("AWS::S3::Bucket")
        return name

    @property
    def vpcs(self) -> set[str]:
        return {self.resources[subnet].properties["VpcId"] for subnet in self.subnets}

    def passes(self, layer: str, destination: Destination) -> bool:
        """Tell whether a layer lets a destination through, or does not concern it."""
        if self.mode != "VPC":
            return SERVICE_NETWORKS[self.mode](destination)
        return LAYERS[layer](self, destination)

    def decides(self, layer: str, destination: Destination) -> bool:
        """Tell whether a layer concerns a kind of destination."""
        return isinstance(destination, DECIDES[layer])

    def reaches(self, destination: Destination) -> bool:
        return all(self.passes(layer, destination) for layer in LAYERS)

    def is_protected_first(self) -> bool:
        """Tell whether each rule group that blocks exists before the code interpreter does.

        CloudFormation creates a stack after those that it refers to, and a resource after those
        that it depends on.
        """
        before = self._before(self.interpreter_name)
        stacks = {name.split(".")[0] for name in before} - {self.interpreter_name.split(".")[0]}
        return all(
            name in before or name.split(".")[0] in stacks
            for name, association in self.of_kind(
                "AWS::Route53Resolver::FirewallRuleGroupAssociation"
            )
            if any(
                rule["Action"] == "BLOCK"
                for rule in self.rules_of(association.properties["FirewallRuleGroupId"])
            )
        )

    def is_closed_from_the_start(self) -> bool:
        """Tell whether no group of the sandboxes is ever without a rule of its own.

        CloudFormation creates a rule in a resource of its own after the group.
        """
        return all(
            self.resources[group].properties.get("SecurityGroupEgress") for group in self.groups
        )

    def rules_of(self, group: str) -> list[dict[str, Any]]:
        rules = self.resources[group].properties["FirewallRules"]
        return sorted(rules, key=lambda rule: int(rule["Priority"]))

    def _before(self, name: str) -> set[str]:
        seen: set[str] = set()
        left = {name}
        while left:
            found = self.resources.get(left.pop())
            if found is not None:
                left |= found.depends_on - seen
                seen |= found.depends_on
        return seen & self.resources.keys()

    # Security groups

    def egress_rules(self, group: str) -> list[dict[str, Any]]:
        return self._rules(group, "SecurityGroupEgress")

    def ingress_rules(self, group: str) -> list[dict[str, Any]]:
        return self._rules(group, "SecurityGroupIngress")

    def _rules(self, group: str, member: str) -> list[dict[str, Any]]:
        inline: list[dict[str, Any]] = self.resources[group].properties.get(member, [])
        return [
            *inline,
            *(
                rule.properties
                for _, rule in self.of_kind(f"AWS::EC2::{member}")
                if rule.properties["GroupId"] == group
            ),
        ]


# The layers of a VPC


def routes(model: Model, destination: Destination) -> bool:
    match destination:
        case Host(address=address):
            return is_in_vpc(model, address) or has_route(model, address)
        case Bucket():
            return bool(gateway_endpoints(model)) or has_route(model, S3_ADDRESS)
        case Service():
            return bool(interface_endpoints(model)) or has_route(model, "203.0.113.44")
    return True


def security_groups(model: Model, destination: Destination) -> bool:
    match destination:
        case Host():
            return leaves(model, destination)
        case Bucket(port=port):
            return leaves(model, Host(S3_ADDRESS, port), prefix_list=True)
        case Service(port=port):
            groups = [
                group
                for endpoint in interface_endpoints(model)
                for group in endpoint["SecurityGroupIds"]
            ]
            hosts = [Host("10.0.255.44", port, group=group) for group in groups]
            return any(leaves(model, host) for host in hosts or [Host("203.0.113.44", port)])
        case Inbound(address=address, port=port):
            return any(
                matches(rule, Host(address, port))
                for group in model.groups
                for rule in model.ingress_rules(group)
            )
    return True


def dns(model: Model, destination: Destination) -> bool:
    """Tell whether the VPC's resolver passes a query on.

    A list of domains with TRUST_REDIRECTION_DOMAIN covers the aliases of its names, too. A query
    that no rule matches passes. A configuration that fails open passes everything.
    """
    if not isinstance(destination, Name):
        return True
    for vpc in model.vpcs:
        if not model.resources[vpc].properties.get("EnableDnsSupport", True):
            continue
        if fails_open(model, vpc) or verdict(model, vpc, destination.domain) != "BLOCK":
            return True
    return False


def endpoint_policies(model: Model, destination: Destination) -> bool:
    """Tell whether the endpoints admit a request. What goes around them, they do not decide."""
    match destination:
        case Bucket(action=action, resource=resource, owner=owner, signer=signer):
            endpoints = gateway_endpoints(model)
            keys = {"aws:principalaccount": signer, "s3:resourceaccount": owner}
        case Service(action=action, resource=resource, owner=owner, signer=signer):
            endpoints = interface_endpoints(model)
            keys = {"aws:principalaccount": signer, "aws:resourceaccount": owner}
        case _:
            return True
    return not endpoints or any(
        admits(endpoint.get("PolicyDocument"), action, resource, keys) for endpoint in endpoints
    )


LAYERS: dict[str, Callable[[Model, Destination], bool]] = {
    "routes": routes,
    "security groups": security_groups,
    "DNS": dns,
    "endpoint policies": endpoint_policies,
}


DECIDES: dict[str, Any] = {
    "routes": Host | Bucket | Service,
    "security groups": Host | Bucket | Service | Inbound,
    "DNS": Name,
    "endpoint policies": Bucket | Service,
}


def sandbox(destination: Destination) -> bool:
    """Tell what SANDBOX mode reaches: measured, Amazon S3 in the region and names of AWS."""
    match destination:
        case Name(domain=domain):
            return domain.endswith(".amazonaws.com")
        case Bucket():
            return True
    return False


def public(destination: Destination) -> bool:
    match destination:
        case Host(address=address, group=group):
            return not group and ipaddress.ip_address(address) not in PRIVATE
        case Inbound():
            return False
    return True


PRIVATE = ipaddress.ip_network("10.0.0.0/8")
SERVICE_NETWORKS: dict[str, Callable[[Destination], bool]] = {"SANDBOX": sandbox, "PUBLIC": public}


# Routes and endpoints


def is_in_vpc(model: Model, address: str) -> bool:
    return any(
        contains(model.resources[vpc].properties["CidrBlock"], address) for vpc in model.vpcs
    )


def has_route(model: Model, address: str, table: str | None = None) -> bool:
    """Tell whether a route table, or any of the sandboxes', leads to an address."""
    tables = model.route_tables if table is None else {table}
    return any(
        contains(route.properties.get(member, ""), address)
        for _, route in model.of_kind("AWS::EC2::Route")
        if route.properties["RouteTableId"] in tables
        for member in ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
    )


def gateway_endpoints(model: Model) -> list[dict[str, Any]]:
    """Return the properties of the S3 endpoints to which the sandboxes' routes lead."""
    return [
        endpoint.properties
        for _, endpoint in model.of_kind("AWS::EC2::VPCEndpoint")
        if endpoint.properties.get("VpcEndpointType") == "Gateway"
        and model.route_tables & set(endpoint.properties["RouteTableIds"])
    ]


def interface_endpoints(model: Model) -> list[dict[str, Any]]:
    """Return the properties of the interface endpoints in the sandboxes' VPC."""
    return [
        endpoint.properties
        for _, endpoint in model.of_kind("AWS::EC2::VPCEndpoint")
        if endpoint.properties.get("VpcEndpointType") == "Interface"
        and endpoint.properties["VpcId"] in model.vpcs
    ]


def contains(block: str, address: str) -> bool:
    if not block:
        return False
    network, host = ipaddress.ip_network(block), ipaddress.ip_address(address)
    return network.version == host.version and host in network


# Security groups


def leaves(model: Model, host: Host, *, prefix_list: bool = False) -> bool:
    """Tell whether a group of the sandboxes lets a connection out.

    EC2 lets everything out of a group without a rule of its own.
    """
    return any(
        not model.egress_rules(group)
        or any(matches(rule, host, prefix_list) for rule in model.egress_rules(group))
        for group in model.groups
    )


def matches(rule: Mapping[str, Any], host: Host, prefix_list: bool = False) -> bool:
    if rule["IpProtocol"] != ANY_PROTOCOL:
        ports = range(int(rule.get("FromPort", 0)), int(rule.get("ToPort", 65_535)) + 1)
        if rule["IpProtocol"] != host.protocol or host.port not in ports:
            return False
    group = rule.get("DestinationSecurityGroupId")
    return (
        contains(rule.get("CidrIp", ""), host.address)
        or contains(rule.get("CidrIpv6", ""), host.address)
        or (prefix_list and "DestinationPrefixListId" in rule)
        or (group is not None and bool(host.group) and host.group in group)
    )


# DNS Firewall


def verdict(model: Model, vpc: str, domain: str) -> str:
    """Return the action of the first rule for a domain, by the priority of groups and rules."""
    associations = [
        association.properties
        for _, association in model.of_kind("AWS::Route53Resolver::FirewallRuleGroupAssociation")
        if association.properties["VpcId"] == vpc
    ]
    for association in sorted(associations, key=lambda one: int(one["Priority"])):
        for rule in model.rules_of(association["FirewallRuleGroupId"]):
            domains = model.resources[rule["FirewallDomainListId"]].properties["Domains"]
            if any(covers(pattern, domain) for pattern in domains):
                return str(rule["Action"])
    return "ALLOW"


def covers(pattern: str, domain: str) -> bool:
    pattern = pattern.rstrip(".")
    return (
        pattern == "*"
        or domain == pattern
        or (pattern.startswith("*.") and domain.endswith(pattern[1:]))
    )


def fails_open(model: Model, vpc: str) -> bool:
    return any(
        config.properties["ResourceId"] == vpc
        and config.properties["FirewallFailOpen"] != "DISABLED"
        for _, config in model.of_kind("AWS::Route53Resolver::FirewallConfig")
    )


# Endpoint policies


def admits(
    policy: Mapping[str, Any] | None, action: str, resource: str, keys: Mapping[str, str | None]
) -> bool:
    """Evaluate an endpoint's policy, of which only these elements are known here."""
    if policy is None:
        return True
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        if any(fnmatch_iam(action, one) for one in as_list(statement["Action"]))
        and any(fnmatch_iam_cs(resource, one) for one in as_list(statement["Resource"]))
        and statement["Principal"] in ("*", {"AWS": "*"})
        and all(
            holds(operator, keys.get(key.lower()), as_list(values))
            for operator, wanted in statement.get("Condition", {}).items()
            for key, values in wanted.items()
        )
    }
    return effects == {"Allow"}


def holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    if operator.endswith("IfExists"):
        return value is None or holds(operator.removesuffix("IfExists"), value, wanted)
    match operator:
        case "StringEquals":
            return value in wanted
        case "StringLike":
            return value is not None and any(fnmatch_iam_cs(value, one) for one in wanted)
    raise NotImplementedError(f"the model does not know the condition operator {operator}")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
