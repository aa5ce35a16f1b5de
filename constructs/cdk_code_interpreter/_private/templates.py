"""The synthesised templates of an app, in which the constructs of all libraries look the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .nag import flatten

Template = Mapping[str, Any]
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")


class Place(NamedTuple):
    """A resource: the name of its template, and its logical id."""

    template: str
    logical_id: str


@dataclass(frozen=True)
class CodeInterpreterResource:
    """The parts of a code interpreter that the rules are about.

    `role` is the value of its ARN, as the template has it.
    """

    network_mode: Any
    role: Any


class Templates:
    """The templates of an app by the names of their files."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = templates

    def code_interpreter(self, template: str, logical_id: str) -> CodeInterpreterResource:
        properties = self._properties(Place(template, logical_id))
        network = properties.get("NetworkConfiguration", {})
        return CodeInterpreterResource(
            network_mode=network.get("NetworkMode"), role=properties.get("ExecutionRoleArn")
        )

    def variables(self, template: str, logical_id: str) -> Mapping[str, Any]:
        """Return the environment variables of a function."""
        properties = self._properties(Place(template, logical_id))
        variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
        return variables

    def allowing_statements(self, template: str, role: Any) -> Iterator[dict[str, Any]]:
        """Yield the statements that allow a role something.

        Actions and resources are lists of texts; references are in angle brackets.
        """
        for _, statement in self._allowing_statements(template, role):
            yield {name: [flatten(value) for value in values] for name, values in statement.items()}

    def workspace_resources(self, template: str, role: Any) -> Iterator[str]:
        """Yield the resources of such statements about Amazon S3 that are in a workspace."""
        workspaces = set(self._workspaces())
        for name, statement in self._allowing_statements(template, role):
            actions = map(str, statement["Action"])
            if any(action == "*" or action.startswith("s3:") for action in actions):
                for resource in statement.get("Resource", []):
                    if workspaces.intersection(self._buckets(name, resource)):
                        yield flatten(resource)

    def _allowing_statements(
        self, template: str, role: Any
    ) -> Iterator[tuple[str, dict[str, list[Any]]]]:
        """Yield each statement that allows something, and the name of its template."""
        for name, document in self._policy_documents(self._place(template, role)):
            for statement in _list(document.get("Statement", [])):
                if statement.get("Effect", "Allow") == "Allow":
                    lists = {
                        member: _list(values)
                        for member, values in statement.items()
                        if member in ("Action", "NotAction", "Resource", "NotResource")
                    }
                    yield name, {"Action": [], **lists}

    def aws_managed_policies(self, template: str, role: Any) -> Iterator[str]:
        """Yield the names of the policies of a role that AWS manages."""
        place = self._place(template, role)
        if place is None:
            return
        for arn in self._properties(place).get("ManagedPolicyArns", ()):
            _, is_aws_managed, name = flatten(arn).partition(":iam::aws:policy/")
            if is_aws_managed:
                yield name

    def _workspaces(self) -> Iterator[Place | str]:
        """Yield the buckets of all invoke functions: resources of the app, or names of others."""
        for name in self._templates:
            for logical_id, resource in self._resources(name):
                if resource["Type"] == "AWS::Lambda::Function":
                    bucket = self.variables(name, logical_id).get("WORKSPACE_BUCKET")
                    found = bucket if isinstance(bucket, str) else self._place(name, bucket)
                    if found is not None:
                        yield found

    def _buckets(self, template: str, resource: Any) -> Iterator[Place | str]:
        """Yield the bucket of a statement's resource, in all forms in which it may be there."""
        yield flatten(resource).partition(":::")[2].partition("/")[0]
        yield from self._references(template, resource)

    def _references(self, template: str, value: Any) -> Iterator[Place]:
        """Yield the resources of the app to which a value refers, however deep in it."""
        place = self._place(template, value)
        if place is not None:
            yield place
            return
        parts = list(value.values()) if isinstance(value, Mapping) else value
        if isinstance(parts, list):
            for part in parts:
                yield from self._references(template, part)

    def is_logged(self, template: str, logical_id: str) -> bool:
        """Tell whether an invoke function or a delivery of logs refers to a code interpreter."""
        interpreter = Place(template, logical_id)
        for name in self._templates:
            for user, resource in self._resources(name):
                refers: Any = None
                if resource["Type"] == "AWS::Lambda::Function":
                    refers = used_interpreter(self.variables(name, user))
                elif resource["Type"] == "AWS::Logs::DeliverySource":
                    refers = resource["Properties"].get("ResourceArn")
                if refers is not None and self._place(name, refers) == interpreter:
                    return True
        return False

    def _policy_documents(self, role: Place | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the documents of the policies of a role, and the name of their template."""
        if role is None:
            return
        properties = self._properties(role)
        for policy in properties.get("Policies", ()):
            yield role.template, policy["PolicyDocument"]
        attached = [
            self._place(role.template, arn) for arn in properties.get("ManagedPolicyArns", ())
        ]
        for name in self._templates:
            for logical_id, resource in self._resources(name):
                if resource["Type"] in _POLICIES:
                    properties = resource["Properties"]
                    roles = [*properties.get("Roles", ()), properties.get("RoleName")]
                    is_given = any(self._place(name, value) == role for value in roles)
                    if is_given or Place(name, logical_id) in attached:
                        yield name, properties["PolicyDocument"]

    def _place(self, template: str, value: Any) -> Place | None:
        """Return the resource of the app to which a value refers, or None."""
        if not isinstance(value, Mapping) or len(value) != 1:
            return None
        [(function, argument)] = value.items()
        if function == "Ref":
            if argument in self._templates[template].get("Parameters", {}):
                return self._place_of_parameter(template, argument)
            is_resource = argument in self._templates[template].get("Resources", {})
            return Place(template, argument) if is_resource else None
        if function == "Fn::GetAtt":
            logical_id, attribute = argument
            if attribute.startswith("Outputs."):
                return self._place_of_output(attribute.removeprefix("Outputs."))
            return Place(template, logical_id)
        if function == "Fn::GetStackOutput":
            return self._place_of_output(argument["OutputName"])
        if function == "Fn::ImportValue":
            return self._place_of_export(argument)
        return None

    def _place_of_parameter(self, template: str, name: str) -> Place | None:
        """Follow a parameter of a nested stack, or of Systems Manager."""
        stored_as = self._templates[template]["Parameters"][name].get("Default")
        for other in self._templates:
            for _, resource in self._resources(other):
                properties = resource["Properties"]
                given = properties.get("Parameters", {})
                if resource["Type"] == "AWS::CloudFormation::Stack" and name in given:
                    return self._place(other, given[name])
                if resource["Type"] == "AWS::SSM::Parameter" and (
                    properties.get("Name") == stored_as
                ):
                    return self._place(other, properties["Value"])
        return None

    def _place_of_output(self, name: str) -> Place | None:
        for template in self._templates:
            outputs = self._templates[template].get("Outputs", {})
            if name in outputs:
                return self._place(template, outputs[name]["Value"])
        return None

    def _place_of_export(self, name: Any) -> Place | None:
        for template in self._templates:
            for output in self._templates[template].get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == name:
                    return self._place(template, output["Value"])
        return None

    def _resources(self, template: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for logical_id, resource in self._templates[template].get("Resources", {}).items():
            yield logical_id, {"Properties": {}, **resource}

    def _properties(self, place: Place) -> Mapping[str, Any]:
        resource = self._templates[place.template]["Resources"][place.logical_id]
        properties: Mapping[str, Any] = resource.get("Properties", {})
        return properties


def used_interpreter(variables: Mapping[str, Any]) -> Any:
    """Return the id of the code interpreter that an invoke function uses, or None."""
    return variables.get("CODE_INTERPRETER_ID")


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
