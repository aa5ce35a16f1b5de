"""The synthesised templates of an app, in which the constructs of all libraries look the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .nag import flatten

Template = Mapping[str, Any]
_FUNCTION = "AWS::Lambda::Function"
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy")


class Place(NamedTuple):
    """A resource: the name of its template, and its logical id."""

    template: str
    logical_id: str


class DeployedStack(NamedTuple):
    """A stack: its name, and its environment as `aws://<account>/<region>`.

    A nested stack has no name, and the environment of its parent.
    """

    name: str
    environment: str


@dataclass(frozen=True)
class CodeInterpreterResource:
    """The parts of a code interpreter that the rules are about.

    `role` is None if there is no execution role, and if the app imports it.
    """

    network_mode: Any
    has_role: bool
    role: Place | None


class Templates:
    """The templates of an app.

    :param templates: By the names of their files.
    :param stacks: The stacks of the same templates.
    """

    def __init__(
        self, templates: Mapping[str, Template], stacks: Mapping[str, DeployedStack]
    ) -> None:
        self._templates = templates
        self._stacks = stacks

    @classmethod
    def of_assemblies(cls, folders: Iterable[Path]) -> Templates:
        """Read the templates in the folders of cloud assemblies, with those of nested stacks."""
        templates: dict[str, Template] = {}
        stacks: dict[str, DeployedStack] = {}
        for folder in folders:
            for path in folder.glob("*.template.json"):
                templates[path.name] = _read(path)
                stacks[path.name] = DeployedStack("", "")
            for name, artifact in _read(folder / "manifest.json")["artifacts"].items():
                if artifact["type"] == "aws:cloudformation:stack":
                    properties, environment = artifact["properties"], artifact["environment"]
                    for nested in _nested_templates(folder / f"{name}.assets.json"):
                        stacks[nested] = DeployedStack("", environment)
                    stacks[properties["templateFile"]] = DeployedStack(
                        properties.get("stackName", name), environment
                    )
        return cls(templates, stacks)

    def code_interpreter(self, place: Place) -> CodeInterpreterResource:
        properties = self._properties(place)
        role = properties.get("ExecutionRoleArn")
        return CodeInterpreterResource(
            network_mode=properties.get("NetworkConfiguration", {}).get("NetworkMode"),
            has_role=role is not None,
            role=self._place(place.template, role),
        )

    def variables(self, function: Place) -> Mapping[str, Any]:
        """Return the environment variables of a function."""
        environment = self._properties(function).get("Environment", {})
        variables: Mapping[str, Any] = environment.get("Variables", {})
        return variables

    def allowing_statements(self, role: Place | None) -> Iterator[dict[str, Any]]:
        """Yield the statements that allow a role something.

        Actions and resources are lists of texts; references are in angle brackets.
        """
        for _, statement in self._allowing_statements(role):
            yield {name: [flatten(value) for value in values] for name, values in statement.items()}

    def workspace_resources(self, role: Place | None) -> Iterator[str]:
        """Yield the resources of such statements about Amazon S3 that are in a workspace."""
        workspaces = set(self._workspaces())
        for template, statement in self._allowing_statements(role):
            actions = [str(action).lower() for action in statement["Action"]]  # as IAM reads them
            if any(action == "*" or action.startswith("s3:") for action in actions):
                for resource in statement.get("Resource", []):
                    if workspaces.intersection(self._buckets(template, resource)):
                        yield flatten(resource)

    def aws_managed_policies(self, role: Place | None) -> Iterator[str]:
        """Yield the names of the policies of a role that AWS manages."""
        if role is None:
            return
        for arn in self._properties(role).get("ManagedPolicyArns", ()):
            _, is_aws_managed, name = flatten(arn).partition(":iam::aws:policy/")
            if is_aws_managed:
                yield name

    def is_logged(self, interpreter: Place) -> bool:
        """Tell whether an invoke function or a delivery of logs refers to a code interpreter."""
        used = [
            (function.template, used_interpreter(self.variables(function)))
            for function, _ in self._resources(_FUNCTION)
        ]
        delivered = [
            (source.template, properties.get("ResourceArn"))
            for source, properties in self._resources("AWS::Logs::DeliverySource")
        ]
        return any(
            self._place(template, value) == interpreter for template, value in used + delivered
        )

    def _allowing_statements(
        self, role: Place | None
    ) -> Iterator[tuple[str, dict[str, list[Any]]]]:
        """Yield each statement that allows something, and the name of its template."""
        for template, document in self._policy_documents(role):
            for statement in _list(document.get("Statement", [])):
                if statement.get("Effect", "Allow") == "Allow":
                    lists = {
                        member: _list(values)
                        for member, values in statement.items()
                        if member in ("Action", "NotAction", "Resource", "NotResource")
                    }
                    yield template, {"Action": [], **lists}

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
        for place, properties in self._resources(*_POLICIES):
            roles = [*properties.get("Roles", ()), properties.get("RoleName")]
            is_given = any(self._place(place.template, value) == role for value in roles)
            if is_given or place in attached:
                yield place.template, properties["PolicyDocument"]

    def _workspaces(self) -> Iterator[Place | str]:
        """Yield the buckets of all invoke functions: resources of the app, or names of others."""
        for function, _ in self._resources(_FUNCTION):
            bucket = self.variables(function).get("WORKSPACE_BUCKET")
            found = bucket if isinstance(bucket, str) else self._place(function.template, bucket)
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

    def _place(self, template: str, value: Any) -> Place | None:
        """Return the resource of the app to which a value refers, or None."""
        match value:
            case {"Ref": name} if name in self._templates[template].get("Parameters", {}):
                return self._place_of_parameter(template, name)
            case {"Ref": name} if name in self._templates[template].get("Resources", {}):
                return Place(template, name)
            case {"Fn::GetAtt": [_, str(attribute)]} if attribute.startswith("Outputs."):
                # CDK names the output of a nested stack by its path, so that no other has the name.
                return self._place_of_output(self._templates, attribute.removeprefix("Outputs."))
            case {"Fn::GetAtt": [logical_id, _]}:
                return Place(template, logical_id)
            case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": name, **rest}}:
                nearest = self._nearest(template, rest.get("Region"))
                named = [other for other in nearest if self._stacks[other].name == stack]
                return self._place_of_output(named, name)
            case {"Fn::ImportValue": name}:
                return self._place_of_export(self._nearest(template), name)
        return None

    def _place_of_parameter(self, template: str, name: str) -> Place | None:
        """Follow a parameter of a nested stack, or of Systems Manager."""
        for stack, properties in self._resources("AWS::CloudFormation::Stack"):
            given = properties.get("Parameters", {})
            if name in given:
                return self._place(stack.template, given[name])
        stored_as = self._templates[template]["Parameters"][name].get("Default")
        nearest = self._nearest(template)
        for parameter, properties in self._resources("AWS::SSM::Parameter", templates=nearest):
            if "Name" in properties and properties["Name"] == stored_as:
                return self._place(parameter.template, properties["Value"])
        return None

    def _place_of_output(self, templates: Iterable[str], name: str) -> Place | None:
        for template in templates:
            outputs = self._templates[template].get("Outputs", {})
            if name in outputs:
                return self._place(template, outputs[name]["Value"])
        return None

    def _place_of_export(self, templates: Iterable[str], name: Any) -> Place | None:
        for template in templates:
            for output in self._templates[template].get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == name:
                    return self._place(template, output["Value"])
        return None

    def _nearest(self, reader: str, region: Any = None) -> list[str]:
        """Return all templates, first those in the account and region of a template.

        Stacks of other accounts and regions can have the same names, exports and parameters.

        :param region: In the place of the template's own region, if it is text.
        """
        environment = self._stacks[reader].environment
        if isinstance(region, str):
            environment = f"{environment.rpartition('/')[0]}/{region}"

        def is_elsewhere(template: str) -> bool:
            return self._stacks[template].environment != environment

        return sorted(self._templates, key=is_elsewhere)

    def _resources(
        self, *types: str, templates: Iterable[str] | None = None
    ) -> Iterator[tuple[Place, Mapping[str, Any]]]:
        """Yield the resources of some types, with their properties, by default of all templates."""
        for name in self._templates if templates is None else templates:
            for logical_id, resource in self._templates[name].get("Resources", {}).items():
                if resource["Type"] in types:
                    yield Place(name, logical_id), resource.get("Properties", {})

    def _properties(self, place: Place) -> Mapping[str, Any]:
        resource = self._templates[place.template]["Resources"][place.logical_id]
        properties: Mapping[str, Any] = resource.get("Properties", {})
        return properties


def used_interpreter(variables: Mapping[str, Any]) -> Any:
    """Return the id of the code interpreter that an invoke function uses, or None."""
    return variables.get("CODE_INTERPRETER_ID")


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _nested_templates(assets: Path) -> Iterator[str]:
    """Yield the templates among the assets of a stack; some synthesizers write no list of them."""
    files = _read(assets)["files"].values() if assets.exists() else ()
    for file in files:
        path = file["source"].get("path", "")
        if path.endswith(".template.json"):
            yield path
