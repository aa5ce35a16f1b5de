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
        for document in self._policy_documents(self._place(template, role)):
            for statement in _list(document.get("Statement", [])):
                if statement.get("Effect", "Allow") == "Allow":
                    yield {
                        "Action": [],
                        **{
                            name: [flatten(value) for value in _list(values)]
                            for name, values in statement.items()
                            if name in ("Action", "NotAction", "Resource", "NotResource")
                        },
                    }

    def aws_managed_policies(self, template: str, role: Any) -> Iterator[str]:
        """Yield the names of the policies of a role that AWS manages."""
        place = self._place(template, role)
        if place is None:
            return
        for arn in self._properties(place).get("ManagedPolicyArns", ()):
            _, is_aws_managed, name = flatten(arn).partition(":iam::aws:policy/")
            if is_aws_managed:
                yield name

    def workspaces(self, template: str) -> set[str]:
        """Return the buckets of invoke functions, as they appear in resources of statements."""
        found: set[str] = set()
        for logical_id, resource in self._resources(template):
            if resource["Type"] == "AWS::Lambda::Function":
                bucket = self.variables(template, logical_id).get("WORKSPACE_BUCKET")
                if isinstance(bucket, Mapping) and "Ref" in bucket:
                    found |= {f"<{bucket['Ref']}.Arn>", f"<{bucket['Ref']}>"}
                elif isinstance(bucket, str):
                    found.add(f":::{bucket}")
        return found

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

    def _policy_documents(self, role: Place | None) -> Iterator[Mapping[str, Any]]:
        if role is None:
            return
        for policy in self._properties(role).get("Policies", ()):
            yield policy["PolicyDocument"]
        for name in self._templates:
            for _, resource in self._resources(name):
                if resource["Type"] in _POLICIES:
                    properties = resource["Properties"]
                    roles = [*properties.get("Roles", ()), properties.get("RoleName")]
                    if any(self._place(name, value) == role for value in roles):
                        yield properties["PolicyDocument"]

    def _place(self, template: str, value: Any) -> Place | None:
        """Return the resource of the app to which a value refers, or None."""
        if not isinstance(value, Mapping):
            return None
        if "Ref" in value:
            parameters = self._templates[template].get("Parameters", {})
            if value["Ref"] in parameters:
                return self._value_of_parameter(parameters[value["Ref"]].get("Default"))
            return Place(template, value["Ref"])
        if "Fn::GetAtt" in value:
            return Place(template, value["Fn::GetAtt"][0])
        for name in self._templates:
            for output_id, output in self._templates[name].get("Outputs", {}).items():
                imported = value.get("Fn::ImportValue")
                other = value.get("Fn::GetStackOutput", {}).get("OutputName")
                if other == output_id or (
                    imported is not None and output.get("Export", {}).get("Name") == imported
                ):
                    return self._place(name, output["Value"])
        return None

    def _value_of_parameter(self, name: Any) -> Place | None:
        """Return the resource to which the value of a parameter of Systems Manager refers."""
        for template in self._templates:
            for _, resource in self._resources(template):
                properties = resource["Properties"]
                if resource["Type"] == "AWS::SSM::Parameter" and properties.get("Name") == name:
                    return self._place(template, properties["Value"])
        return None

    def _resources(self, template: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for logical_id, resource in self._templates[template].get("Resources", {}).items():
            yield logical_id, {"Properties": {}, **resource}

    def _properties(self, place: Place) -> Mapping[str, Any]:
        resources = self._templates.get(place.template, {}).get("Resources", {})
        properties: Mapping[str, Any] = resources.get(place.logical_id, {}).get("Properties", {})
        return properties


def used_interpreter(variables: Mapping[str, Any]) -> Any:
    """Return the id of the code interpreter that an invoke function uses, or None."""
    return variables.get("CODE_INTERPRETER_ID")


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
