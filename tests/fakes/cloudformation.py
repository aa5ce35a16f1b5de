"""CloudFormation's side of a custom resource, as AWS documents it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]
Event = dict[str, Any]
Response = dict[str, Any]

STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/Demo/0f0e0d0c"
LOGICAL_ID = "Interpreter0A1B2C3D"
# A test's fault makes one deletion fail, so the next deletion has to succeed.
DELETIONS = 2


def example_url(request_id: str) -> str:
    return f"https://cloudformation.example/{request_id}?signature=secret"


@dataclass
class CloudFormation:
    """Sends the events of one custom resource, and rolls back as CloudFormation does.

    `run` carries out an event and returns the response that was put to the event's URL.
    `before_event` gets the name of each event, which says why it is sent.
    """

    run: Callable[[Event], Response]
    stack_id: str = STACK_ID
    logical_id: str = LOGICAL_ID
    url: Callable[[str], str] = example_url
    before_event: Callable[[str], None] = lambda name: None
    physical_id: str | None = None
    properties: Properties = field(default_factory=dict)
    responses: list[Response] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        return [response["Reason"] for response in self.responses if response["Status"] == "FAILED"]

    def create(self, properties: Properties) -> bool:
        """Create the resource; after a failure, roll back by deleting it."""
        response = self.send("Create", properties, name="create")
        self.physical_id, self.properties = response["PhysicalResourceId"], properties
        if response["Status"] == "SUCCESS":
            return True
        self.delete("rollback")
        return False

    def update(self, properties: Properties, name: str = "update") -> bool:
        """Update the resource; after a failure, roll back by the opposite update."""
        old_id, old = self.physical_id, self.properties
        response = self.send_update(old_id, old, properties, name)
        if response["Status"] == "FAILED":
            assert response["PhysicalResourceId"] == old_id
            rollback = self.send_update(old_id, properties, old, "rollback")
            assert rollback["Status"] == "SUCCESS", rollback
            assert rollback["PhysicalResourceId"] == old_id
            return False
        self.physical_id, self.properties = response["PhysicalResourceId"], properties
        if self.physical_id != old_id:
            self.send_delete(old_id, old, f"{name}: the predecessor")
        return True

    def delete(self, name: str = "delete") -> None:
        self.send_delete(self.physical_id, self.properties, name)
        self.physical_id = None

    def send_update(
        self, physical_id: str | None, old: Properties, new: Properties, name: str = "update"
    ) -> Response:
        return self.send(
            "Update", new, name=name, PhysicalResourceId=physical_id, OldResourceProperties=old
        )

    def send_delete(
        self, physical_id: str | None, properties: Properties, name: str = "delete"
    ) -> None:
        """Delete the resource; repeat a deletion that fails, as CloudFormation or the user does."""
        for _ in range(DELETIONS):
            response = self.send("Delete", properties, name=name, PhysicalResourceId=physical_id)
            assert response["PhysicalResourceId"] == physical_id
            if response["Status"] == "SUCCESS":
                return
        raise AssertionError(self.failures)

    def send(
        self, kind: str, properties: Properties, *, name: str | None = None, **members: Any
    ) -> Response:
        """Send an event, and return the response."""
        request_id = str(uuid.uuid4())
        event = {
            "RequestType": kind,
            "RequestId": request_id,
            "StackId": self.stack_id,
            "LogicalResourceId": self.logical_id,
            "ResponseURL": self.url(request_id),
            "ResourceType": "Custom::CodeInterpreter",
            "ResourceProperties": properties,
            **members,
        }
        self.before_event(name or kind.lower())
        response = self.run(event)
        assert (response["RequestId"], response["StackId"]) == (request_id, self.stack_id)
        assert response["LogicalResourceId"] == self.logical_id
        self.responses.append(response)
        return response
