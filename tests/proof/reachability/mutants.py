"""Faulty networks, generated from the resources of a template."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.proof.least_privilege import mutants as statements

from .model import Model, has_route
from .templates import Resource, Resources

EVERYWHERE = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
EVERYWHERE_V6 = {"IpProtocol": "-1", "CidrIpv6": "::/0"}
TARGETS = ("NatGatewayId", "GatewayId", "TransitGatewayId", "VpcPeeringConnectionId")


@dataclass(frozen=True)
class Mutant:
    """Resources with one change."""

    change: str
    resources: Resources


def generate(model: Model, chance: random.Random) -> Iterator[Mutant]:
    """Yield each change of a resource that decides about the sandboxes' network."""
    for change, name, resource in changes(model, chance):
        resources = dict(model.resources)
        if resource is None:
            del resources[name]
        elif resources.get(name) == resource:
            continue
        else:
            resources[name] = resource
        yield Mutant(f"{name}: {change}", resources)


Change = tuple[str, str, Resource | None]


def changes(model: Model, chance: random.Random) -> Iterator[Change]:
    yield from of_interpreter(model)
    for name in model.groups:
        yield from of_group(model, name, chance)
    for kind in ("Egress", "Ingress"):
        for name, rule in model.of_kind(f"AWS::EC2::SecurityGroup{kind}"):
            if rule.properties["GroupId"] in model.groups:
                for change, wider in wider_rules(rule.properties):
                    yield change, name, Resource(rule.kind, wider, rule.depends_on)
                yield "remove the rule", name, None
    for table in sorted(model.route_tables):
        yield from of_route_table(model, table, chance)
    for vpc in sorted(model.vpcs):
        yield from of_vpc(model, vpc)
    for name, resource in list(model.resources.items()):
        yield from of_endpoint_or_firewall(model, name, resource, chance)


def changed(resource: Resource, **members: Any) -> Resource:
    """Return a copy of a resource; None removes a member."""
    properties = {**copy.deepcopy(resource.properties), **members}
    kept = {key: value for key, value in properties.items() if value is not None}
    return Resource(resource.kind, kept, resource.depends_on)


def of_interpreter(model: Model) -> Iterator[Change]:
    name, resource = model.interpreter_name, model.interpreter
    for mode in {"SANDBOX", "PUBLIC"} - {model.mode}:
        network = {"NetworkMode": mode}
        yield f"mode {mode}", name, changed(resource, NetworkConfiguration=network)
    if model.mode == "VPC":
        protections = {
            one
            for one in resource.depends_on
            if one in model.resources and "Firewall" in model.resources[one].kind
        }
        if protections:
            left = resource.depends_on - protections
            yield (
                "no dependency on the firewall",
                name,
                Resource(resource.kind, resource.properties, left),
            )


def of_group(model: Model, name: str, chance: random.Random) -> Iterator[Change]:
    group = model.resources[name]
    rules = group.properties.get("SecurityGroupEgress", [])
    for added in (EVERYWHERE, EVERYWHERE_V6, {**EVERYWHERE, "CidrIp": "172.16.0.0/12"}):
        if added not in rules:
            yield f"add egress {added}", name, changed(group, SecurityGroupEgress=[*rules, added])
    port = chance.choice((22, 80, 8080, 5432))
    one_port = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "10.0.0.0/16"}
    yield f"add egress {one_port}", name, changed(group, SecurityGroupEgress=[*rules, one_port])
    for number, rule in enumerate(rules):
        for change, wider in wider_rules(rule):
            egress = [*rules[:number], wider, *rules[number + 1 :]]
            yield f"egress[{number}] {change}", name, changed(group, SecurityGroupEgress=egress)
    if rules:
        yield "no inline egress rule", name, changed(group, SecurityGroupEgress=None)
    ingress = [*group.properties.get("SecurityGroupIngress", []), EVERYWHERE]
    yield "add ingress", name, changed(group, SecurityGroupIngress=ingress)


def wider_rules(rule: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    peers = ("CidrIp", "CidrIpv6", "DestinationPrefixListId", "DestinationSecurityGroupId")
    bare = {key: value for key, value in rule.items() if key not in peers}
    yield "to any address", {**bare, "CidrIp": "0.0.0.0/0"}
    if rule["IpProtocol"] != "-1":
        yield "on any port", {**rule, "FromPort": 0, "ToPort": 65_535}
        yield "by any protocol", {**rule, "IpProtocol": "-1"}


def of_route_table(model: Model, table: str, chance: random.Random) -> Iterator[Change]:
    for member, block in (
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("DestinationCidrBlock", "172.31.0.0/16"),
        ("DestinationIpv6CidrBlock", "::/0"),
    ):
        if has_route(model, block.partition("/")[0].replace("::", "::1"), table):
            continue
        target = chance.choice(TARGETS)
        properties = {"RouteTableId": table, member: block, target: "somewhere"}
        yield (
            f"route {block} by {target}",
            f"{table}.Mutant",
            Resource("AWS::EC2::Route", properties),
        )
    for name, route in model.of_kind("AWS::EC2::Route"):
        if route.properties["RouteTableId"] == table and len(model.route_tables) == 1:
            yield "remove the route", name, None


def of_vpc(model: Model, name: str) -> Iterator[Change]:
    vpc = model.resources[name]
    flipped = not vpc.properties.get("EnableDnsSupport", True)
    yield f"EnableDnsSupport {flipped}", name, changed(vpc, EnableDnsSupport=flipped)
    if model.of_kind("AWS::Route53Resolver::FirewallRuleGroupAssociation"):
        for value in ("ENABLED", "USE_LOCAL_RESOURCE_SETTING"):
            config = {"ResourceId": name, "FirewallFailOpen": value}
            resource = Resource("AWS::Route53Resolver::FirewallConfig", config)
            yield f"fail open: {value}", f"{name}.Mutant", resource


def of_endpoint_or_firewall(
    model: Model, name: str, resource: Resource, chance: random.Random
) -> Iterator[Change]:
    match resource.kind:
        case "AWS::EC2::VPCEndpoint" if resource.properties["VpcId"] in model.vpcs:
            yield "remove the endpoint", name, None
            yield "no policy", name, changed(resource, PolicyDocument=None)
            yield from of_policy(name, resource, chance)
        case "AWS::Route53Resolver::FirewallRuleGroup":
            yield from of_rules(name, resource)
        case "AWS::Route53Resolver::FirewallDomainList":
            yield from of_domains(name, resource, chance)
        case "AWS::Route53Resolver::FirewallRuleGroupAssociation":
            yield "remove the association", name, None
            associations = model.of_kind(resource.kind)
            every = [int(one.properties["Priority"]) for _, one in associations]
            for priority in moved(int(resource.properties["Priority"]), every):
                yield f"priority {priority}", name, changed(resource, Priority=priority)


def of_policy(name: str, resource: Resource, chance: random.Random) -> Iterator[Change]:
    policy = resource.properties["PolicyDocument"]
    for number, body in enumerate(policy["Statement"]):
        for _, change, mutated in statements.changes(body, chance):
            left = policy["Statement"]
            left = [*left[:number], *([mutated] if mutated else []), *left[number + 1 :]]
            document = {**policy, "Statement": left}
            yield f"policy[{number}] {change}", name, changed(resource, PolicyDocument=document)


def of_rules(name: str, resource: Resource) -> Iterator[Change]:
    rules = resource.properties["FirewallRules"]

    def with_rules(left: list[dict[str, Any]]) -> Resource:
        return changed(resource, FirewallRules=left)

    for number, rule in enumerate(rules):
        before, after = rules[:number], rules[number + 1 :]
        for action in {"ALLOW", "ALERT", "BLOCK"} - {rule["Action"]}:
            if {action, rule["Action"]} == {"ALLOW", "ALERT"}:
                continue  # an alert lets the query pass, too
            flipped = {**rule, "Action": action}
            yield f"rule[{number}] {action}", name, with_rules([*before, flipped, *after])
        yield f"remove rule[{number}]", name, with_rules([*before, *after])
        every = [int(one["Priority"]) for one in rules]
        for priority in moved(int(rule["Priority"]), every):
            other = {**rule, "Priority": priority}
            yield f"rule[{number}] priority {priority}", name, with_rules([*before, other, *after])


def moved(priority: int, every: list[int]) -> Iterator[int]:
    """Yield priorities with which the first comes last, and the last comes first."""
    if priority < max(every):
        yield max(every) + 1
    if priority > min(every):
        yield min(every) - 1


def of_domains(name: str, resource: Resource, chance: random.Random) -> Iterator[Change]:
    domains = resource.properties["Domains"]
    for number, domain in enumerate(domains):
        before, after = domains[:number], domains[number + 1 :]
        wider = ["*"]
        if domain != "*":
            labels = domain.split(".")
            wider += [
                f"*.{domain}",
                f"*.{'.'.join(labels[chance.randrange(1, len(labels) - 1) :])}",
            ]
        for one in wider:
            yield f"{domain} becomes {one}", name, changed(resource, Domains=[*before, one, *after])
        yield f"remove {domain}", name, changed(resource, Domains=[*before, *after])
