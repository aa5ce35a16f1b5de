"""Settings are switched on, changed and off again in the same account, and all is destroyed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stacks import destroy
from stacks.settings import KEYS, Settings
from stacks.values import SettingsError

from .deployment import Deployment, synthesise, synthesise_project

Choice = dict[str, Any]
Row = tuple[int, ...]

# Deployments of these tests have the default name; test_destroy.py has others. Those of the sealed
# network are in test_sealed_network.py and in the golden templates of the app.
OF_OTHER_TESTS = {"stack-name", "sealed-data-path", "sealed-links", "s3-prefix-list-id"}
EXISTING_BUCKET = "existing-{account}"

# How the account's belongings are listed: service, operation, and the names in its response.
BELONGINGS = {
    "stacks": (
        "cloudformation",
        "list_stacks",
        "StackSummaries[?StackStatus!='DELETE_COMPLETE'].StackName",
    ),
    "functions": ("lambda", "list_functions", "Functions[].FunctionName"),
    "roles": ("iam", "list_roles", "Roles[].RoleName"),
    "log groups": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    "schedules": ("scheduler", "list_schedules", "Schedules[].Name"),
    "buckets": ("s3", "list_buckets", "Buckets[?!starts_with(Name, 'cdk-')].Name"),
    "VPCs": ("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    "security groups": ("ec2", "describe_security_groups", "SecurityGroups[].Description"),
    "NAT gateways": (
        "ec2",
        "describe_nat_gateways",
        "NatGateways[?State!='deleted'].NatGatewayId",
    ),
}


def choices(deployment: Deployment) -> list[list[Choice]]:
    """Return, for each part of the settings, the choices that exclude each other; first off."""
    vpc, subnets, group = new_network(deployment)
    role = new_role(deployment)
    policies = [new_policy(deployment, name) for name in ("first", "second")]
    secrets = [new_secret(deployment, name) for name in ("first", "second")]
    for name in (existing_bucket(deployment), access_log_bucket(deployment)):
        deployment.client("s3").create_bucket(Bucket=name)
    key = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
    topic = deployment.client("sns").create_topic(Name="alarms")["TopicArn"]
    boundary = new_policy(deployment, "boundary", action="*")
    function_vpc = {"function-vpc-id": vpc, "function-subnet-ids": subnets}
    existing_vpc = {"network": "vpc", "vpc-id": vpc, "subnet-ids": subnets}
    resource = f"arn:aws:elasticfilesystem:us-east-1:{deployment.account}:"
    filesystem = {
        "type": "efs",
        "file-system-arn": f"{resource}file-system/fs-0123456789abcdef0",
        "access-point-arn": f"{resource}access-point/fsap-0123456789abcdef0",
        "mount-path": "/mnt/data",
        "security-group-id": group,
    }
    return [
        [
            {},
            {"network": "vpc"},
            {"network": "vpc", "vpc-internet": True},
            {"network": "public"},
            existing_vpc,
            {**existing_vpc, "security-group-ids": [group]},
        ],
        [
            {},
            {"workspace-retention": "destroy"},
            {"workspace-retention": "retain"},
            {"workspace-bucket-name": existing_bucket(deployment)},
        ],
        [
            {},
            {"execution-role-arn": role},
            {"managed-policy-arns": policies[:1]},
            {"managed-policy-arns": policies},
        ],
        # A fixed name has to change with everything that replaces the code interpreter.
        [{}, {"name": "row{number}"}],
        [{}, {"filesystems": [filesystem]}],
        [{}, {"description": "first"}, {"description": "second"}],
        [{}, {"certificate-secret-arns": secrets[:1]}, {"certificate-secret-arns": secrets}],
        [{}, {"tags": {"team": "data"}}, {"tags": {"team": "science", "stage": "test"}}],
        [{}, {"session-timeout-seconds": 60}, {"session-timeout-seconds": 28_800}],
        [{}, {"function-memory-mib": 512}, {"function-memory-mib": 1_024}],
        [{}, {"function-timeout-seconds": 60}, {"function-timeout-seconds": 1_800}],
        [{}, {"workspace-expiration-days": 7}, {"workspace-expiration-days": 30}],
        [{}, {"workspace-delete": False}],
        [
            {},
            {"alarms": True, "alarm-email": "ops@example.com", "service-logs": "usage,traces"},
            {"alarms": True, "alarm-topic-arn": topic, "service-logs": "application"},
        ],
        [{}, {"workspace-prefix": "team/files"}],
        [{}, {"workspace-versioning": True}],
        [{}, {"access-log-bucket-name": access_log_bucket(deployment)}],
        [{}, {"kms-key-arn": key}],
        # "retain" would leave what the test counts.
        [{}, {"log-retention-days": 7, "log-group-retention": "destroy"}],
        [{}, {"interpreter-retention": "destroy", "termination-protection": False}],
        [{}, function_vpc, {**function_vpc, "function-security-group-ids": [group]}],
        [{}, {"function-reserved-concurrency": 5}],
        [{}, {"tracing": True}],
        [{}, {"permissions-boundary-arn": boundary}],
        [{}, {"account": deployment.account, "region": "us-east-1"}],
        # True deploys what the other settings do, and in a new VPC a function of CDK's that
        # MiniStack cannot run.
        [{}, {"compliance": False}],
        [{}, {"idle-limit-seconds": 300}, {"warm-spare": True}],
    ]


def settings_of(parts: list[list[Choice]], row: Row, number: int) -> Choice:
    chosen = {
        key: value
        for part, choice in zip(parts, row, strict=True)
        for key, value in part[choice].items()
    }
    if "name" in chosen:
        chosen["name"] = chosen["name"].format(number=number)
    return chosen


def is_allowed(parts: list[list[Choice]], row: Row) -> bool:
    chosen = settings_of(parts, row, 0)
    try:
        Settings.from_context({f"code-interpreter:{key}": value for key, value in chosen.items()})
    except SettingsError:
        return False
    return True


def pairs(row: Row) -> set[tuple[tuple[int, int], ...]]:
    return set(itertools.combinations(enumerate(row), 2))


def pairwise(parts: list[list[Choice]]) -> Iterator[Row]:
    """Yield rows of choices in which every allowed pair of choices occurs."""

    def alone(pair: tuple[tuple[int, int], ...]) -> Row:
        # File systems are only allowed with a VPC.
        row = [0] * len(parts)
        for part, choice in pair:
            row[part] = choice
        if row[4] and not any(part == 0 for part, _ in pair):
            row[0] = 1
        return tuple(row)

    left = {
        pair
        for first, second in itertools.combinations(range(len(parts)), 2)
        for pair in itertools.product(
            [(first, choice) for choice in range(len(parts[first]))],
            [(second, choice) for choice in range(len(parts[second]))],
        )
        if is_allowed(parts, alone(pair))
    }
    while left:
        row = alone(min(left))
        for part in range(len(parts)):
            candidates = [
                (*row[:part], choice, *row[part + 1 :]) for choice in range(len(parts[part]))
            ]
            covering = [one for one in candidates if pairs(one) & {min(left)}]
            row = max(
                (one for one in covering if is_allowed(parts, one)),
                key=lambda one: len(pairs(one) & left),
            )
        left -= pairs(row)
        yield row


def deploy_rows(deployment: Deployment, rows: list[Choice], directory: Path) -> None:
    """Deploy one row of settings after the other, then none, and destroy everything."""
    before = belongings(deployment)
    buckets = set()
    for number, settings in enumerate([*rows, {}]):
        deployment.deploy(synthesise_project(directory / str(number), settings))
        assert deployment.status("CodeInterpreter") in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        assert deployment.works(), settings
        buckets.add(deployment.outputs()["WorkspaceBucketName"])
    assembly = synthesise(destroy.build, directory / "destroy")
    deployment.aws.destroy(assembly.directory, deployment.account)
    left = {kind: found - before[kind] for kind, found in belongings(deployment).items()}
    assert left.pop("buckets") <= buckets
    # The group of a code interpreter in the user's own VPC: AgentCore's interfaces may be in it.
    assert left.pop("security groups") <= {"Sandboxes of a code interpreter"}
    assert {kind: found for kind, found in left.items() if found} == {}


def belongings(deployment: Deployment) -> dict[str, set[str]]:
    """Return what the account has, by its kind."""
    found = {
        kind: set(deployment.client(service).get_paginator(operation).paginate().search(query))
        for kind, (service, operation, query) in BELONGINGS.items()
    }
    addresses = deployment.client("ec2").describe_addresses()["Addresses"]
    found["addresses"] = {address["AllocationId"] for address in addresses}
    return {**found, "code interpreters": set(deployment.code_interpreters())}


def existing_bucket(deployment: Deployment) -> str:
    return EXISTING_BUCKET.format(account=deployment.account)


def access_log_bucket(deployment: Deployment) -> str:
    return f"access-logs-{deployment.account}"


def new_network(deployment: Deployment) -> tuple[str, list[str], str]:
    ec2 = deployment.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24")["Subnet"]["SubnetId"]
        for number in range(2)
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName="theirs", Description="theirs")
    return vpc, subnets, group["GroupId"]


def new_role(deployment: Deployment) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    response = deployment.client("iam").create_role(
        RoleName="theirs", AssumeRolePolicyDocument=json.dumps(trust)
    )
    return str(response["Role"]["Arn"])


def new_policy(deployment: Deployment, name: str, action: str = "s3:ListAllMyBuckets") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": statement}
    response = deployment.client("iam").create_policy(
        PolicyName=name, PolicyDocument=json.dumps(document)
    )
    return str(response["Policy"]["Arn"])


def new_secret(deployment: Deployment, name: str) -> str:
    pem = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
    response = deployment.client("secretsmanager").create_secret(Name=name, SecretString=pem)
    return str(response["ARN"])


def test_settings_go_on_are_changed_and_go_off(deployment: Deployment, tmp_path: Path) -> None:
    """As many settings at once as there can be."""
    parts = choices(deployment)
    given = {key for part in parts for choice in part for key in choice}
    assert given == set(KEYS) - OF_OTHER_TESTS
    on = tuple(min(1, len(part) - 1) for part in parts)
    changed = (2, 2, *(len(part) - 1 for part in parts[2:]))
    rows = [settings_of(parts, row, number) for number, row in enumerate((on, changed))]
    deploy_rows(deployment, rows, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_every_pair_of_settings_is_deployed(deployment: Deployment, tmp_path: Path) -> None:
    parts = choices(deployment)
    rows = [settings_of(parts, row, number) for number, row in enumerate(pairwise(parts))]
    assert len(rows) > max(map(len, parts))
    deploy_rows(deployment, rows, tmp_path)
