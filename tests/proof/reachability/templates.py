"""Templates as resources whose references are names, across the stacks of an app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "111111111111"
REGION = "us-east-1"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


@dataclass
class Resource:
    """A resource of a template, without functions.

    :ivar depends_on: The resources that it depends on, by `DependsOn` or by a reference.
    """

    kind: str
    properties: dict[str, Any]
    depends_on: set[str] = field(default_factory=set)


Resources = dict[str, Resource]


def read(directory: Path) -> Resources:
    """Return the resources of all templates of a cloud assembly, by stack and logical id."""
    templates = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(directory.glob("*.template.json"))
    }
    resolver = Resolver(templates)
    return {
        f"{stack}.{name}": resolver.resource(stack, resource)
        for stack, template in templates.items()
        for name, resource in template["Resources"].items()
    }


class Resolver:
    """Replaces the functions of templates by values, and references by the names of resources."""

    def __init__(self, templates: Mapping[str, Any]) -> None:
        self._templates = templates
        self._found: set[str] = set()

    def resource(self, stack: str, resource: Mapping[str, Any]) -> Resource:
        self._found = set()
        properties = self._value(stack, resource.get("Properties", {}))
        named = resource.get("DependsOn", [])
        named = [named] if isinstance(named, str) else named
        self._found |= {f"{stack}.{name}" for name in named}
        return Resource(resource["Type"], properties, self._found)

    def _value(self, stack: str, value: Any) -> Any:
        match value:
            case {"Ref": name}:
                return self._reference(stack, name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(stack, name, attribute)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(str(self._value(stack, part)) for part in parts)
            case {"Fn::FindInMap": [mapping, *keys]}:
                found = self._templates[stack]["Mappings"][mapping]
                for key in keys:
                    found = found[self._value(stack, key)]
                return found
            case {"Fn::GetStackOutput": {"StackName": other, "OutputName": output}}:
                return self._output(str(self._value(stack, other)), output)
            case {"Fn::ImportValue": export}:
                return self._export(self._value(stack, export))
            case dict():
                return {key: self._value(stack, item) for key, item in value.items()}
            case list():
                return [self._value(stack, item) for item in value]
        return value

    def _reference(self, stack: str, name: str) -> str:
        if name.startswith("AWS::"):
            return PSEUDO_PARAMETERS.get(name, name)
        if name not in self._templates[stack]["Resources"]:
            return str(self._templates[stack].get("Parameters", {})[name].get("Default", name))
        self._found.add(f"{stack}.{name}")
        return f"{stack}.{name}"

    def _attribute(self, stack: str, name: str, attribute: str) -> str:
        reference = self._reference(stack, name)
        kind = self._templates[stack]["Resources"][name]["Type"]
        if kind == "AWS::S3::Bucket" and attribute == "Arn":
            return f"arn:aws:s3:::{reference}"
        if kind == "AWS::EC2::VPC" and attribute == "CidrBlock":
            return str(self._templates[stack]["Resources"][name]["Properties"]["CidrBlock"])
        return reference

    def _output(self, stack: str, name: str) -> Any:
        return self._value(stack, self._templates[stack]["Outputs"][name]["Value"])

    def _export(self, name: str) -> Any:
        for stack, template in self._templates.items():
            for output in template.get("Outputs", {}).values():
                if self._value(stack, output.get("Export", {}).get("Name")) == name:
                    return self._value(stack, output["Value"])
        raise KeyError(name)
