"""What CloudFormation asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The owner's tags: which stack and which of its resources a code interpreter belongs to. The
# function's own permissions depend on the first one.
STACK_TAG = "cdk-code-interpreter:stack-id"
RESOURCE_TAG = "cdk-code-interpreter:logical-id"
# What a code interpreter was made of. It is set last, so one without it was never finished.
CONFIGURATION_TAG = "cdk-code-interpreter:configuration"

# Until a code interpreter exists, the resource goes by a name that is not an id.
NOT_CREATED = "not-created-"

# Properties that become parameters of CreateCodeInterpreter with nothing but a smaller first
# letter; a change of any of them, or of the name, needs a new code interpreter.
CREATE_PROPERTIES = (
    "Description",
    "ExecutionRoleArn",
    "NetworkConfiguration",
    "Certificates",
    "FilesystemConfigurations",
)


@dataclass(frozen=True)
class InterpreterSpec:
    """A code interpreter as a template describes it."""

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
        """A digest of all that cannot be changed later; the order of lists does not count."""
        text = json.dumps(sort_lists({"name": self.name, **self.parameters}), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def could_have_created(self, name: str) -> bool:
        """Whether a code interpreter with this name can have been made from this description."""
        return name == self.name or name.startswith(f"{self.name_prefix}_")


@dataclass(frozen=True)
class Request:
    """One event of a custom resource."""

    type: str
    request_id: str
    stack_id: str
    logical_id: str
    response_url: str
    physical_id: str
    spec: InterpreterSpec
    previous_spec: InterpreterSpec

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Request:
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
        """The same name for the same request, and another one for every other request."""
        if self.spec.name is not None:
            return self.spec.name
        suffix = hashlib.sha256(self.request_id.encode()).hexdigest()[:10]
        return f"{self.spec.name_prefix}_{suffix}"

    @property
    def owner_tags(self) -> dict[str, str]:
        """Return the tags that say to which resource of which stack a code interpreter belongs."""
        return {STACK_TAG: self.stack_id, RESOURCE_TAG: self.logical_id}

    @property
    def all_tags(self) -> dict[str, str]:
        """Return the tags of a finished code interpreter; a user's tag cannot replace ours."""
        return {
            **self.spec.tags,
            **self.owner_tags,
            CONFIGURATION_TAG: self.spec.configuration_digest,
        }

    def deletion_token(self, interpreter_id: str) -> str:
        """A client token: one request may delete several, each with a token of its own."""
        return hashlib.sha256(f"{self.request_id} {interpreter_id}".encode()).hexdigest()

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Return whether tags are those of a code interpreter that this resource has created."""
        return self.owner_tags.items() <= tags.items()


def api_name(key: str) -> str:
    return key[0].lower() + key[1:]


def to_api_members(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {api_name(key): to_api_members(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_api_members(item) for item in value]
    return value


def sort_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: sort_lists(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((sort_lists(item) for item in value), key=lambda item: json.dumps(item))
    return value
