"""The requests that CloudFormation sends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The owner's tags: the stack and the resource to which a code interpreter belongs. Conditions in
# the function's own permissions use the first tag.
STACK_TAG = "cdk-code-interpreter:stack-id"
RESOURCE_TAG = "cdk-code-interpreter:logical-id"
# A digest of the properties from which a code interpreter was created. The function sets it last,
# so a code interpreter without it is unfinished.
CONFIGURATION_TAG = "cdk-code-interpreter:configuration"

# The prefix of the placeholder physical id that a resource has until its code interpreter exists.
# No id of a code interpreter matches it.
NOT_CREATED = "not-created-"

# The properties that become parameters of CreateCodeInterpreter when their first letters are made
# lowercase. If one of them or the name changes, the code interpreter has to be replaced.
CREATE_PROPERTIES = (
    "Description",
    "ExecutionRoleArn",
    "NetworkConfiguration",
    "Certificates",
    "FilesystemConfigurations",
)


@dataclass(frozen=True)
class InterpreterSpec:
    """A code interpreter as the template describes it."""

    name: str | None
    name_prefix: str
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> InterpreterSpec:
        return cls(
            name=properties.get("Name"),
            name_prefix=properties.get("NamePrefix", "CodeInterpreter"),
            parameters={
                api_name(key): to_api_members(properties[key])
                for key in CREATE_PROPERTIES
                if key in properties
            },
            tags=properties.get("Tags") or {},
        )

    @property
    def configuration_digest(self) -> str:
        """Return a digest of everything that needs a replacement; the order of lists is ignored."""
        text = json.dumps(sort_lists({"name": self.name, **self.parameters}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def could_have_created(self, name: str) -> bool:
        """Return whether a code interpreter with this name can come from this description."""
        return name == self.name or name.startswith(f"{self.name_prefix}_")


@dataclass(frozen=True)
class CustomResourceRequest:
    """A create, update or delete request for a custom resource."""

    type: str
    request_id: str
    stack_id: str
    logical_id: str
    response_url: str
    physical_id: str
    spec: InterpreterSpec
    previous_spec: InterpreterSpec

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> CustomResourceRequest:
        properties = event.get("ResourceProperties", {})
        return cls(
            type=event["RequestType"],
            request_id=event["RequestId"],
            stack_id=event["StackId"],
            logical_id=event["LogicalResourceId"],
            response_url=event["ResponseURL"],
            physical_id=event.get("PhysicalResourceId", f"{NOT_CREATED}{event['RequestId']}"),
            spec=InterpreterSpec.from_properties(properties),
            previous_spec=InterpreterSpec.from_properties(
                event.get("OldResourceProperties", properties)
            ),
        )

    @property
    def new_name(self) -> str:
        """Return the given name, or a generated name that depends on the request alone."""
        if self.spec.name is not None:
            return self.spec.name
        suffix = hashlib.sha256(self.request_id.encode()).hexdigest()[:10]
        return f"{self.spec.name_prefix}_{suffix}"

    @property
    def owner_tags(self) -> dict[str, str]:
        """Return the tags that name the stack and the resource of a code interpreter."""
        return {STACK_TAG: self.stack_id, RESOURCE_TAG: self.logical_id}

    @property
    def all_tags(self) -> dict[str, str]:
        """Return the tags of a finished code interpreter; the user's cannot replace ours."""
        return {
            **self.spec.tags,
            **self.owner_tags,
            CONFIGURATION_TAG: self.spec.configuration_digest,
        }

    @property
    def log_fields(self) -> dict[str, object]:
        """Return the fields for the log, which hold nothing of the user's properties."""
        return {
            "request": self.type,
            "requestId": self.request_id,
            "resource": self.logical_id,
        }

    def deletion_token(self, interpreter_id: str) -> str:
        """Return the client token for a deletion; a request may delete several interpreters."""
        return hashlib.sha256(f"{self.request_id} {interpreter_id}".encode()).hexdigest()

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Return whether a code interpreter with these tags belongs to this resource."""
        return self.owner_tags.items() <= tags.items()


def api_name(key: str) -> str:
    return key[0].lower() + key[1:]


def to_api_members(value: Any) -> Any:
    """Return a property's value with the member names of the API, at every depth."""
    if isinstance(value, Mapping):
        return {api_name(key): to_api_members(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_api_members(item) for item in value]
    return value


def sort_lists(value: Any) -> Any:
    """Return a JSON value with every list in it sorted."""
    if isinstance(value, Mapping):
        return {key: sort_lists(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((sort_lists(item) for item in value), key=lambda item: json.dumps(item))
    return value
