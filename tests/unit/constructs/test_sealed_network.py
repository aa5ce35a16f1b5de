"""The sealed network: each part that closes it, and each that opens it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template

import cdk_code_interpreter
from cdk_code_interpreter import (
    SUPPORTED_ZONE_IDS,
    CodeInterpreter,
    ExecutionRole,
    Filesystem,
    InvokeFunction,
    Network,
    SandboxVpc,
    SealedNetwork,
    Workspace,
)

from .everything import ACCOUNT, imported_efs, new_app
from .templates import only

# Untyped, so that mistakes can be made.
untyped: Any = cdk_code_interpreter

SECRETS = ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER
FIREWALL = "AWS::Route53Resolver::FirewallRuleGroupAssociation"
NO_EGRESS = {
    "CidrIp": "127.0.0.1/32",
    "Description": "Nothing outside of the sandbox",
    "IpProtocol": "-1",
}
OF_THIS_ACCOUNT = {"Ref": "AWS::AccountId"}


class Sealed:
    """A sealed network in a stack of its own, and a stack with a workspace that uses it."""

    def __init__(self, app: App, *, data_path: bool = True, **workspace: Any) -> None:
        self.network_stack = Stack(app, "Network")
        self.stack = Stack(app, "Test")
        self.network = SealedNetwork(self.network_stack, "Sealed", data_path=data_path)
        self.interpreter = CodeInterpreter(
            self.stack, "Interpreter", network=Network.sealed(self.network)
        )
        self.workspace = Workspace(
            self.stack, "Workspace", sealed_network=self.network, **workspace
        )
        InvokeFunction(
            self.stack,
            "Invoke",
            code_interpreter=self.interpreter,
            workspace=self.workspace,
        )

    @cached_property
    def template(self) -> Template:
        return Template.from_stack(self.stack)

    @cached_property
    def network_template(self) -> Template:
        return Template.from_stack(self.network_stack)


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    """Return a sealed network that tests read and do not change."""
    return Sealed(new_app())


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    return [dict(each["Properties"]) for each in template.find_resources(kind).values()]


def rules_of(template: Template) -> list[tuple[int, list[dict[str, Any]], list[Any]]]:
    """Return the rules of each association's group, with the domains of each rule, by priority."""
    found = template.to_json()["Resources"]
    described = []
    for association in resources(template, FIREWALL):
        group = found[association["FirewallRuleGroupId"]["Fn::GetAtt"][0]]["Properties"]
        rules = group["FirewallRules"]
        lists = [
            found[rule["FirewallDomainListId"]["Fn::GetAtt"][0]]["Properties"]["Domains"]
            for rule in rules
        ]
        described.append((association["Priority"], rules, lists))
    return sorted(described, key=lambda each: each[0])


# Closed.


def test_there_is_no_way_out(sealed: Sealed) -> None:
    for kind in (
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::VPCCidrBlock",
        "AWS::EC2::EgressOnlyInternetGateway",
        "AWS::EC2::VPCEndpoint",
    ):
        sealed.network_template.resource_count_is(kind, 0)
    sealed.network_template.resource_count_is("AWS::EC2::Subnet", 2)
    sealed.network_template.all_resources_properties(
        "AWS::EC2::Subnet", {"MapPublicIpOnLaunch": False, "Ipv6CidrBlock": Match.absent()}
    )


def test_every_subnet_is_in_a_supported_zone(sealed: Sealed) -> None:
    zones = sealed.network_template.to_json()["Mappings"]
    [chosen] = [mapping for name, mapping in zones.items() if "Zones" in name]
    for region, ids in chosen.items():
        assert set(ids.values()) <= set(SUPPORTED_ZONE_IDS[region])


def test_no_name_exists(app: App) -> None:
    network = SealedNetwork(Stack(app, "Network"), "Sealed")
    [(_, [rule], [domains])] = rules_of(Template.from_stack(Stack.of(network)))
    assert (rule["Action"], rule["BlockResponse"]) == ("BLOCK", "NXDOMAIN")
    assert domains == ["*"]


def test_the_deletion_of_the_network_is_not_protected(sealed: Sealed) -> None:
    """Mutation protection would make it fail."""
    for template in (sealed.template, sealed.network_template):
        template.all_resources_properties(FIREWALL, {"MutationProtection": Match.absent()})


def test_the_group_lets_nothing_in_or_out(app: App) -> None:
    """Without a rule of its own, EC2 lets all traffic out of it."""
    stack = Stack(app, "Network")
    SealedNetwork(stack, "Sealed")
    group = only(stack, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert group["SecurityGroupEgress"] == [NO_EGRESS]


def test_traffic_and_queries_are_logged(sealed: Sealed) -> None:
    template = sealed.network_template
    template.has_resource_properties("AWS::EC2::FlowLog", {"TrafficType": "ALL"})
    vpc = {"Ref": next(iter(template.find_resources("AWS::EC2::VPC")))}
    [association] = resources(
        template, "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"
    )
    assert association["ResourceId"] == vpc
    assert sealed.network.query_log is not None
    [logging] = resources(template, "AWS::Route53Resolver::ResolverQueryLoggingConfig")
    assert logging["DestinationArn"] == sealed.network_stack.resolve(
        sealed.network.query_log.log_group_arn
    )


@pytest.mark.parametrize("own_stack", [True, False])
def test_the_firewall_is_there_before_the_code_interpreter(app: App, own_stack: bool) -> None:
    network_stack = Stack(app, "Network")
    stack = network_stack if own_stack else Stack(app, "Test")
    network = SealedNetwork(network_stack, "Sealed")
    CodeInterpreter(stack, "Interpreter", network=Network.sealed(network))
    template = Template.from_stack(stack)
    [interpreter] = template.find_resources("Custom::CodeInterpreter").values()
    if own_stack:
        assert set(template.find_resources(FIREWALL)) <= set(interpreter["DependsOn"])
    else:
        assert network_stack in stack.dependencies


def test_the_code_interpreter_has_the_network_and_no_other_group(sealed: Sealed) -> None:
    properties = only(sealed.stack, "Custom::CodeInterpreter")["NetworkConfiguration"]
    assert properties["NetworkMode"] == "VPC"
    assert len(properties["VpcConfig"]["Subnets"]) == 2
    assert len(properties["VpcConfig"]["SecurityGroups"]) == 1
    sealed.template.resource_count_is("AWS::EC2::SecurityGroup", 0)


def test_a_network_in_the_code_interpreters_stack_is_warned_about(stack: Stack) -> None:
    network = SealedNetwork(stack, "Sealed")
    CodeInterpreter(stack, "Interpreter", network=Network.sealed(network))
    Annotations.from_stack(stack).has_warning(
        "/Test/Interpreter", Match.string_like_regexp("own stack, whose deletion fails")
    )


# Open to the workspace.


def test_the_endpoint_admits_the_workspace_and_this_accounts_principals_only(
    sealed: Sealed,
) -> None:
    [endpoint] = resources(sealed.template, "AWS::EC2::VPCEndpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert len(endpoint["RouteTableIds"]) == 2
    bucket = sealed.stack.resolve(sealed.workspace.bucket.bucket_arn)
    assert endpoint["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": {"Fn::Join": ["", [bucket, "/workspace/*"]]},
            "Condition": {
                "StringEquals": {
                    "aws:PrincipalAccount": OF_THIS_ACCOUNT,
                    "s3:ResourceAccount": OF_THIS_ACCOUNT,
                }
            },
        }
    ]


def test_the_group_lets_out_https_to_the_endpoints_prefix_list(sealed: Sealed) -> None:
    [group] = resources(sealed.network_template, "AWS::EC2::SecurityGroup")
    assert group["SecurityGroupEgress"] == [NO_EGRESS]
    [rule] = resources(sealed.network_template, "AWS::EC2::SecurityGroupEgress")
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert rule.keys().isdisjoint({"CidrIp", "CidrIpv6", "DestinationSecurityGroupId"})
    [name, region, key] = rule["DestinationPrefixListId"]["Fn::FindInMap"]
    assert (region, key) == ({"Ref": "AWS::Region"}, "Id")
    lists = sealed.network_template.to_json()["Mappings"][name]
    assert lists["us-east-1"] == {"Id": "pl-63a5400a"}


@pytest.mark.parametrize(
    ("service", "name"),
    [
        (SECRETS, "secretsmanager"),
        (ec2.InterfaceVpcEndpointAwsService.KINESIS_STREAMS, "kinesis"),
        (ec2.InterfaceVpcEndpointAwsService.KINESIS_FIREHOSE, "firehose"),
        (ec2.InterfaceVpcEndpointAwsService.APIGATEWAY, "*.execute-api"),
    ],
)
def test_the_private_dns_name_of_an_endpoint_exists(
    app: App, service: ec2.IInterfaceVpcEndpointService, name: str
) -> None:
    sealed = Sealed(app)
    sealed.network.allow_endpoint("Endpoint", service=service)
    names = [names for _, _, lists in rules_of(sealed.network_template) for names in lists]
    parts = [f"{name}.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
    assert [{"Fn::Join": ["", parts]}] in names


def test_names_of_the_bucket_exist_and_no_others(sealed: Sealed) -> None:
    [(first, [rule], [names])] = rules_of(sealed.template)
    [(last, _, _)] = rules_of(sealed.network_template)
    assert first < last
    assert rule["Action"] == "ALLOW"
    # The names of S3 are aliases of others, which change.
    assert rule["FirewallDomainRedirectionAction"] == "TRUST_REDIRECTION_DOMAIN"
    service = ["s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
    bucket = sealed.stack.resolve(sealed.workspace.bucket.bucket_name)
    assert names == [
        {"Fn::Join": ["", service]},
        {"Fn::Join": ["", [bucket, ".s3.", *service[1:]]]},
    ]


def denied_links(stack: Stack) -> list[dict[str, Any]]:
    """Return the conditions of the statements that deny presigned URLs."""
    return [
        statement["Condition"]
        for statement in only(stack, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if "s3:authType" in str(statement)
    ]


def links_of_function(sealed: Sealed) -> str | None:
    [function] = [
        function
        for function in resources(sealed.template, "AWS::Lambda::Function")
        if "CODE_INTERPRETER_ID" in function.get("Environment", {}).get("Variables", {})
    ]
    links: str | None = function["Environment"]["Variables"].get("ALLOW_LINKS")
    return links


def test_presigned_urls_work_through_the_endpoint_alone(sealed: Sealed) -> None:
    assert sealed.workspace.endpoint is not None
    endpoint = sealed.stack.resolve(sealed.workspace.endpoint.vpc_endpoint_id)
    assert denied_links(sealed.stack) == [
        {
            "StringEquals": {"s3:authType": ["REST-QUERY-STRING", "POST"]},
            "StringNotEquals": {"aws:SourceVpce": endpoint},
        }
    ]
    assert links_of_function(sealed) == "false"


def test_links_can_be_allowed(app: App) -> None:
    sealed = Sealed(app, allow_links=True)
    assert denied_links(sealed.stack) == []
    assert links_of_function(sealed) is None
    sealed.template.resource_count_is("AWS::EC2::VPCEndpoint", 1)


def test_a_workspace_of_another_network_signs_links(stack: Stack) -> None:
    workspace = Workspace(stack, "Workspace")
    assert workspace.allow_links
    assert denied_links(stack) == []


def test_the_owner_of_an_existing_bucket_is_told_the_statement(app: App) -> None:
    stack = Stack(app, "Test")
    network = SealedNetwork(Stack(app, "Network"), "Sealed")
    bucket = s3.Bucket.from_bucket_name(stack, "Theirs", "theirs")
    Workspace(stack, "Workspace", bucket=bucket, sealed_network=network)
    Annotations.from_stack(stack).has_warning(
        "/Test/Workspace",
        Match.string_like_regexp('add this statement.*"StringNotEquals":.*"aws:SourceVpce"'),
    )


def test_a_known_list_can_be_given(app: App) -> None:
    stack = Stack(app, "Network")
    network = SealedNetwork(stack, "Sealed", s3_prefix_list_id="pl-0123456789abcdef0")
    Workspace(Stack(app, "Test"), "Workspace", sealed_network=network)
    rule = only(stack, "AWS::EC2::SecurityGroupEgress")
    assert rule["DestinationPrefixListId"] == "pl-0123456789abcdef0"


# Open to what is declared.


def test_an_endpoint_serves_principals_and_resources_of_this_account(app: App) -> None:
    sealed = Sealed(app)
    endpoint = sealed.network.allow_endpoint("Secrets", service=SECRETS)
    template = sealed.network_template
    [properties] = resources(template, "AWS::EC2::VPCEndpoint")
    assert properties["PrivateDnsEnabled"] is True
    [statement] = properties["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:PrincipalAccount": OF_THIS_ACCOUNT,
            "aws:ResourceAccount": OF_THIS_ACCOUNT,
        }
    }
    [group] = endpoint.connections.security_groups
    group_id = sealed.network_stack.resolve(group.security_group_id)
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupEgress",
        {"DestinationSecurityGroupId": group_id, "FromPort": 443, "ToPort": 443},
    )
    [(_, rules, lists)] = rules_of(template)
    assert [rule["Action"] for rule in rules] == ["ALLOW", "BLOCK"]
    assert [rule["Priority"] for rule in rules] == [100, 200]
    name = ["secretsmanager.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
    assert lists == [[{"Fn::Join": ["", name]}], ["*"]]


def test_domains_are_allowed_once_each(app: App) -> None:
    sealed = Sealed(app)
    sealed.network.allow_domain("db.example.com", "*.example.org")
    sealed.network.allow_domain("db.example.com", "other.example.com.")
    [(_, _, [allowed, _])] = rules_of(sealed.network_template)
    assert allowed == ["db.example.com", "*.example.org", "other.example.com."]


def test_a_peer_is_reached_at_its_port(app: App) -> None:
    sealed = Sealed(app)
    database = ec2.SecurityGroup(sealed.network_stack, "Database", vpc=sealed.network.vpc)
    sealed.network.allow_peer(database, ec2.Port.tcp(5432))
    sealed.network.allow_peer(ec2.Peer.ipv4("10.0.1.0/24"), ec2.Port.tcp(80), description="mirror")
    template = sealed.network_template
    template.has_resource_properties("AWS::EC2::SecurityGroupIngress", {"FromPort": 5432})
    template.has_resource_properties("AWS::EC2::SecurityGroupEgress", {"FromPort": 5432})
    groups = resources(template, "AWS::EC2::SecurityGroup")
    [egress] = [group["SecurityGroupEgress"] for group in groups if "Sandboxes" in str(group)]
    assert [rule["CidrIp"] for rule in egress] == ["127.0.0.1/32", "10.0.1.0/24"]


def test_file_systems_are_mounted(app: App) -> None:
    network_stack, stack = Stack(app, "Network"), Stack(app, "Test")
    network = SealedNetwork(network_stack, "Sealed")
    filesystem: Filesystem = imported_efs(network_stack)
    CodeInterpreter(
        stack,
        "Interpreter",
        network=Network.sealed(network),
        execution_role=ExecutionRole(stack, "Role"),
        filesystems=[filesystem],
    )
    Template.from_stack(network_stack).has_resource_properties(
        "AWS::EC2::SecurityGroupEgress", {"FromPort": 2049}
    )


# No data path.


def test_without_a_data_path_nothing_is_reached(app: App) -> None:
    sealed = Sealed(app, data_path=False)
    [vpc] = resources(sealed.network_template, "AWS::EC2::VPC")
    assert (vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == (False, False)
    [group] = resources(sealed.network_template, "AWS::EC2::SecurityGroup")
    assert group["SecurityGroupEgress"] == [NO_EGRESS]
    for template in (sealed.network_template, sealed.template):
        for kind in ("AWS::EC2::VPCEndpoint", "AWS::EC2::SecurityGroupEgress", FIREWALL):
            template.resource_count_is(kind, 0)
    # No presigned URL works, because none can come through an endpoint.
    assert denied_links(sealed.stack) == [
        {"StringEquals": {"s3:authType": ["REST-QUERY-STRING", "POST"]}}
    ]
    assert links_of_function(sealed) == "false"


OPENINGS: dict[str, Callable[[SealedNetwork], object]] = {
    "allow_endpoint": lambda network: network.allow_endpoint("Secrets", service=SECRETS),
    "allow_domain": lambda network: network.allow_domain("db.example.com"),
    "allow_peer": lambda network: network.allow_peer(
        ec2.Peer.ipv4("10.0.0.0/24"), ec2.Port.tcp(80)
    ),
}


@pytest.mark.parametrize("opening", OPENINGS)
def test_fails_to_open_a_network_without_a_data_path(stack: Stack, opening: str) -> None:
    network = SealedNetwork(stack, "Sealed", data_path=False)
    count = len(network.node.find_all())
    with pytest.raises(ValueError, match=rf"{opening}\(\) opens.*has data_path=False; leave"):
        OPENINGS[opening](network)
    assert len(network.node.find_all()) == count


# Mistakes.


@pytest.mark.parametrize("domain", ["*", "com", "https://example.com", "a b.com", "*.*.com", ""])
def test_fails_on_a_domain_that_dns_firewall_does_not_take(stack: Stack, domain: str) -> None:
    network = SealedNetwork(stack, "Sealed")
    with pytest.raises(ValueError, match="cannot be allowed: a domain has two or more labels"):
        network.allow_domain("db.example.com", domain)
    assert network.node.try_find_child("Domains") is None


def test_fails_on_domains_in_a_list(stack: Stack) -> None:
    domains: Any = ["db.example.com"]
    with pytest.raises(TypeError, match=r"is a list, but it must be text; pass each domain by"):
        SealedNetwork(stack, "Sealed").allow_domain(domains)


@pytest.mark.parametrize(
    ("mistake", "remedy"),
    [
        (lambda _: untyped.Network.sealed("Sealed"), "pass SealedNetwork"),
        (lambda network: network.allow_peer("10.0.0.0/8", ec2.Port.HTTPS), "pass a security group"),
        (lambda network: network.allow_peer(ec2.Peer.any_ipv4(), 443), r"pass a port.*ec2\.Port"),
        (
            lambda network: network.allow_endpoint("S", service="secretsmanager"),
            "pass a service such as ec2",
        ),
        (
            lambda network: network.allow_endpoint("S", service=SECRETS, domains="db.example.com"),
            "put it into a list",
        ),
        (
            lambda network: untyped.Workspace(Stack.of(network), "W", sealed_network=True),
            "SealedNetwork",
        ),
    ],
)
def test_fails_on_a_wrong_type_with_the_remedy(
    stack: Stack, mistake: Callable[[Any], object], remedy: str
) -> None:
    with pytest.raises(TypeError, match=remedy):
        mistake(SealedNetwork(stack, "Sealed"))


def test_fails_without_a_domain(stack: Stack) -> None:
    with pytest.raises(ValueError, match="no domain is given; pass one or more"):
        SealedNetwork(stack, "Sealed").allow_domain()


def test_fails_on_a_service_whose_names_are_not_known(stack: Stack) -> None:
    network = SealedNetwork(stack, "Sealed")
    service = ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER
    with pytest.raises(
        ValueError, match=r"private DNS names of 'ecr\.dkr' are not known.*domains="
    ):
        network.allow_endpoint("Ecr", service=service)
    assert network.node.try_find_child("Ecr") is None
    network.allow_endpoint("Ecr", service=service, domains=["*.dkr.ecr.us-east-1.amazonaws.com"])
    with pytest.raises(ValueError, match="construct_id 'Ecr' is taken"):
        network.allow_endpoint("Ecr", service=SECRETS)


def test_fails_on_a_second_workspace(sealed: Sealed) -> None:
    with pytest.raises(ValueError, match=r"admits the workspace 'Test/Workspace' already"):
        Workspace(sealed.stack, "Second", sealed_network=sealed.network)
    assert sealed.stack.node.try_find_child("Second") is None


def test_fails_on_links_without_a_sealed_network(stack: Stack) -> None:
    with pytest.raises(ValueError, match="allow_links is True, but sealed_network is not given"):
        Workspace(stack, "Workspace", allow_links=True)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("eu-south-1", r"prefix list in region 'eu-south-1' is not known.*pass s3_prefix_list_id="),
        ("af-south-1", "region 'af-south-1', but AgentCore's documentation names.*another region"),
    ],
)
def test_fails_in_a_region_that_is_not_known(app: App, region: str, message: str) -> None:
    stack = Stack(app, "Test", env=Environment(account=ACCOUNT, region=region))
    with pytest.raises(ValueError, match=message):
        SealedNetwork(stack, "Sealed")
    assert stack.node.try_find_child("Sealed") is None


def test_fails_on_a_prefix_list_that_is_none(stack: Stack) -> None:
    with pytest.raises(ValueError, match="s3_prefix_list_id is 's3'"):
        SealedNetwork(stack, "Sealed", s3_prefix_list_id="s3")


# The VPC by itself.


def test_a_vpc_with_internet_says_what_it_opens(stack: Stack) -> None:
    SandboxVpc(stack, "Sandboxes", internet=True)
    Template.from_stack(stack).resource_count_is("AWS::EC2::NatGateway", 1)
    Annotations.from_stack(stack).has_warning(
        "/Test/Sandboxes", Match.string_like_regexp("send out all that it reads, to any host")
    )


def test_the_addresses_can_be_chosen(stack: Stack) -> None:
    SandboxVpc(stack, "Sandboxes", ip_addresses=ec2.IpAddresses.cidr("10.7.0.0/16"))
    assert only(stack, "AWS::EC2::VPC")["CidrBlock"] == "10.7.0.0/16"
