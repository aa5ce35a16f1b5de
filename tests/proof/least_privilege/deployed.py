"""The policies of deployed stacks, read from the services that have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from tests.e2e.deploy.deployment import Deployment

from .access import LOG_POLICIES, Body, Kind, Policies, Statement, as_list

Found = tuple[Kind, str, str, list[Body]]


class Stacks:
    """The resources of deployed stacks."""

    def __init__(self, deployment: Deployment, names: list[str]) -> None:
        self.deployment = deployment
        self.names = names
        self.iam = deployment.client("iam")
        self.s3 = deployment.client("s3")
        self.functions = deployment.client("lambda")
        self.keys = deployment.client("kms")
        self.logs = deployment.client("logs")
        self.cloudformation = deployment.client("cloudformation")
        self.resources = {name: self._resources(name) for name in names}
        self.stack_of_role = {
            resource["PhysicalResourceId"]: name
            for name in names
            for resource in self.of_type(name, "AWS::IAM::Role")
        }

    def of_type(self, stack: str, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.resources[stack] if one["ResourceType"] == kind]

    def physical(self, stack: str, kind: str, part: str = "") -> str:
        """Return the physical id of the only resource with a type and a part of its logical id."""
        [found] = [
            resource["PhysicalResourceId"]
            for resource in self.of_type(stack, kind)
            if part in resource["LogicalResourceId"]
        ]
        return str(found)

    def outputs(self, stack: str) -> dict[str, str]:
        return self.deployment.outputs(stack)

    def template(self, stack: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cloudformation.get_template(StackName=stack)["TemplateBody"]
        return found

    def policies(self) -> Policies:
        """Return the policies of all stacks.

        :raises AssertionError: if the templates have other statements than what is deployed.
        """
        policies = self._policies()
        for stack in self.names:
            deployed = sum(statement.stack == stack for statement in policies.bodies)
            written = statement_count(self.template(stack))
            assert deployed == written, f"{stack}: {deployed} of {written} statements found"
        return policies

    def _policies(self) -> Policies:
        return Policies(
            (
                (Statement(stack, kind, holder, document, number, json.dumps(body)), body)
                for stack in self.names
                for kind, holder, document, bodies in self._documents(stack)
                for number, body in enumerate(bodies)
            ),
            self.deployment.account,
        )

    def _resources(self, stack: str) -> list[dict[str, Any]]:
        found = self.cloudformation.describe_stack_resources(StackName=stack)
        return list(found["StackResources"])

    def _documents(self, stack: str) -> Iterator[Found]:
        for resource in self.resources[stack]:
            logical, physical = resource["LogicalResourceId"], resource["PhysicalResourceId"]
            match resource["ResourceType"]:
                case "AWS::IAM::Role":
                    yield from self._of_role(logical, physical)
                case "AWS::S3::Bucket":
                    yield from self._of_bucket(logical, physical)
                case "AWS::Lambda::Function":
                    yield from self._of_function(logical, physical)
                case "AWS::KMS::Key":
                    yield self._of_key(logical, physical)
                case "AWS::Logs::ResourcePolicy":
                    yield self._of_logs(logical, physical)

    def _of_role(self, logical: str, name: str) -> Iterator[Found]:
        trust = self.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        # Roles that the account itself assumes are the app's own, and no service's.
        services = [body for body in statements(trust) if "Service" in body["Principal"]]
        yield "trust", name, f"{logical}.trust", services
        for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield "role", name, f"{logical}.{short(policy)}", statements(document)
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        for policy in attached:
            if ":iam::aws:" not in policy["PolicyArn"]:
                document = self._managed_document(policy["PolicyArn"])
                yield "role", name, f"{logical}.{short(policy['PolicyName'])}", statements(document)

    def _managed_document(self, arn: str) -> Any:
        version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)
        return found["PolicyVersion"]["Document"]

    def _of_bucket(self, logical: str, name: str) -> Iterator[Found]:
        try:
            policy = self.s3.get_bucket_policy(Bucket=name)["Policy"]
        except ClientError:
            return
        yield "bucket", f"arn:aws:s3:::{name}", f"{logical}.policy", statements(policy)

    def _of_function(self, logical: str, name: str) -> Iterator[Found]:
        try:
            policy = self.functions.get_policy(FunctionName=name)["Policy"]
        except ClientError:
            return
        arn = self.functions.get_function_configuration(FunctionName=name)["FunctionArn"]
        yield "function", arn, f"{logical}.policy", statements(policy)

    def _of_key(self, logical: str, key_id: str) -> Found:
        policy = self.keys.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]
        arn = self.keys.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
        return "key", arn, f"{logical}.policy", statements(policy)

    def _of_logs(self, logical: str, name: str) -> Found:
        [document] = [
            policy["policyDocument"]
            for policy in self.logs.describe_resource_policies()["resourcePolicies"]
            if policy["policyName"] == name
        ]
        return "logs", LOG_POLICIES, f"{logical}.policy", statements(document)


def statement_count(template: dict[str, Any]) -> int:
    """Return the number of statements in a template's policies, but those of networks."""
    count = 0
    resources = template["Resources"]
    for resource in resources.values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
                roles = properties.get("Roles", [])
                count += len(roles) * len(statements(properties["PolicyDocument"]))
            case "AWS::IAM::RolePolicy" | "AWS::S3::BucketPolicy":
                count += len(statements(properties["PolicyDocument"]))
            case "AWS::Lambda::Permission":
                count += 1
            case "AWS::KMS::Key":
                count += len(statements(properties["KeyPolicy"]))
            case "AWS::Logs::ResourcePolicy":
                # A text, which CDK joins from parts.
                count += json.dumps(properties["PolicyDocument"]).count('\\"Effect\\"')
            case "AWS::IAM::Role":
                trust = statements(properties["AssumeRolePolicyDocument"])
                count += sum("Service" in body["Principal"] for body in trust)
                documents = [one["PolicyDocument"] for one in properties.get("Policies", [])]
                documents += [
                    resources[policy["Ref"]]["Properties"]["PolicyDocument"]
                    for policy in properties.get("ManagedPolicyArns", [])
                    if isinstance(policy, dict) and policy.get("Ref") in resources
                ]
                count += sum(len(statements(one)) for one in documents)
    return count


def statements(document: Any) -> list[Body]:
    if isinstance(document, str):
        document = json.loads(document)
    return as_list(document["Statement"])


def short(policy_name: str) -> str:
    """Return a policy's name without the id and the region that its stack puts in."""
    return policy_name if len(policy_name) <= 40 else f"…{policy_name[-39:]}"
