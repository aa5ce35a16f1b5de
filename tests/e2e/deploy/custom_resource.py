"""Sends a deployed function the events of a custom resource, as CloudFormation and Lambda do."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Properties = dict[str, Any]
Answer = dict[str, Any]

# Lambda runs an asynchronous event up to three times, as long as the function fails.
ATTEMPTS = 3
# CloudFormation tries to clean up that often; after that the user has to.
DELETIONS = 3


@dataclass
class CustomResource:
    """One resource of a stack, and what CloudFormation knows of it.

    `run` invokes the function with an event and says whether it ended by itself. `answers`
    gives what was put to the URL of a request, and `before` is told the name of each event.
    """

    stack_id: str
    logical_id: str
    url: Callable[[str], str]
    run: Callable[[dict[str, Any]], bool]
    answers: Callable[[str], list[Answer]]
    before: Callable[[str], None]
    physical_id: str | None = None
    properties: Properties = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def create(self, properties: Properties) -> bool:
        """Create it; a failure is rolled back by deleting it."""
        answer = self.send("create", "Create", properties)
        self.physical_id, self.properties = answer["PhysicalResourceId"], properties
        if answer["Status"] == "FAILED":
            self.delete("rollback")
        return bool(answer["Status"] == "SUCCESS")

    def update(self, name: str, properties: Properties) -> bool:
        """Update it; a failure is rolled back by the opposite update."""
        old_id, old = self.physical_id, self.properties
        answer = self.send(name, "Update", properties, old_id, OldResourceProperties=old)
        if answer["Status"] == "FAILED":
            assert answer["PhysicalResourceId"] == old_id
            back = self.send("rollback", "Update", old, old_id, OldResourceProperties=properties)
            assert (back["Status"], back["PhysicalResourceId"]) == ("SUCCESS", old_id), back
            return False
        self.physical_id, self.properties = answer["PhysicalResourceId"], properties
        if self.physical_id != old_id:
            self._delete(f"{name}: the old one", old, old_id)
        return True

    def delete(self, name: str = "delete") -> None:
        self._delete(name, self.properties, self.physical_id)
        self.physical_id = None

    def _delete(self, name: str, properties: Properties, physical_id: str | None) -> None:
        for _ in range(DELETIONS):
            answer = self.send(name, "Delete", properties, physical_id)
            assert answer["PhysicalResourceId"] == physical_id
            if answer["Status"] == "SUCCESS":
                return
        raise AssertionError(answer)

    def send(
        self,
        name: str,
        kind: str,
        properties: Properties,
        physical_id: str | None = None,
        **more: Any,
    ) -> Answer:
        """The answer to an event; a second one would have to be the same."""
        request_id = str(uuid.uuid4())
        event = {
            "RequestType": kind,
            "RequestId": request_id,
            "StackId": self.stack_id,
            "LogicalResourceId": self.logical_id,
            "ResponseURL": self.url(request_id),
            "ResourceType": "Custom::CodeInterpreter",
            "ResourceProperties": properties,
            **({} if physical_id is None else {"PhysicalResourceId": physical_id}),
            **more,
        }
        self.before(name)
        assert any(self.run(event) for _ in range(ATTEMPTS)), f"{name}: no attempt ended"
        answer, *more_answers = self.answers(request_id)
        assert all(another == answer for another in more_answers)
        assert (answer["RequestId"], answer["StackId"]) == (request_id, self.stack_id)
        assert answer["LogicalResourceId"] == self.logical_id
        if answer["Status"] == "FAILED":
            self.failures.append(f"{name}: {answer['Reason']}")
        return answer
