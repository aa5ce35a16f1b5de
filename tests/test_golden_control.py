"""The control function's names, tags, tokens, responses and log fields match the golden file.

Code interpreters outlive the function that created them. A later version of it has to recognise
their names and tags, or it replaces or deletes a code interpreter in use.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from code_interpreter_control import event as event_module
from code_interpreter_control import handler
from code_interpreter_control.event import CustomResourceRequest
from tests.fakes.control_plane import FakeCodeInterpreters, FakeTime, service_error
from tests.golden_files import check_golden

REQUEST_ID = "00000000-0000-0000-0000-000000000001"
SANDBOX = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "SANDBOX"}}
PUBLIC = {"NamePrefix": "Demo", "NetworkConfiguration": {"NetworkMode": "PUBLIC"}}
NAMED = {"Name": "mine", "Description": "a description"}
EVERYTHING = {
    "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:control",
    "ServiceTimeout": "2100",
    "NamePrefix": "Demo",
    "Description": "a description",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "NetworkConfiguration": {
        "NetworkMode": "VPC",
        "VpcConfig": {"Subnets": ["subnet-2", "subnet-1"], "SecurityGroups": ["sg-2", "sg-1"]},
    },
    "Certificates": [
        {"Location": {"SecretsManager": {"SecretArn": "arn:aws:secretsmanager:b"}}},
        {"Location": {"SecretsManager": {"SecretArn": "arn:aws:secretsmanager:a"}}},
    ],
    "FilesystemConfigurations": [
        {
            "EfsConfiguration": {
                "AccessPointArn": "arn:aws:elasticfilesystem:access-point/a",
                "FileSystemArn": "arn:aws:elasticfilesystem:file-system/f",
                "MountPath": "/mnt/data",
            }
        }
    ],
    "Tags": {"team": "data"},
}


def event(kind: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": REQUEST_ID,
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/Demo/0f0e0d0c",
        "LogicalResourceId": "Interpreter0A1B2C3D",
        "ResponseURL": "https://cloudformation.example/response",
        "ResourceProperties": properties,
        **fields,
    }


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass
class RecordingService(FakeCodeInterpreters):
    """The service, which keeps the parameters of creations and the tokens of deletions."""

    created: list[dict[str, Any]] = field(default_factory=list)
    deleted: dict[str, str] = field(default_factory=dict)

    def create(self, parameters: Any) -> Any:
        self.created.append(json.loads(json.dumps(parameters)))
        return super().create(parameters)

    def delete(self, interpreter_id: str, *, token: str) -> None:
        self.deleted[interpreter_id] = token
        super().delete(interpreter_id, token=token)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> RecordingService:
    fake = RecordingService()
    monkeypatch.setattr(handler, "code_interpreters", lambda: fake)
    monkeypatch.setattr(handler, "clock_of", lambda _: FakeTime().clock())
    return fake


class Recorder:
    """Runs events, and keeps the response and the log line of each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture) -> None:
        self.responses: dict[str, Any] = {}
        self.log_lines: dict[str, Any] = {}
        self._log = log
        self._sent: list[dict[str, Any]] = []
        monkeypatch.setattr(
            "code_interpreter_control.response.send",
            lambda url, body: self._sent.append(json.loads(body)),
        )

    def run(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        self._log.clear()
        handler.handler(event, Context())
        [line] = [
            json.loads(text)
            for record in self._log.records
            if (text := record.getMessage()).startswith("{")
        ]
        response = self._sent.pop()
        # The wording may improve; programs read the rest.
        changing = {"Reason": "<text>"} if "Reason" in response else {}
        self.responses[name] = {**response, **changing}
        self.log_lines[name] = {**line, **({"frames": "<list>"} if "frames" in line else {})}
        return response


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "sandbox": SANDBOX,
    "public": PUBLIC,
    "named": NAMED,
    "everything": EVERYTHING,
}


def test_persisted_and_reported_names_match_the_golden_file(
    service: RecordingService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    recorder = Recorder(monkeypatch, caplog)

    created = recorder.run("create", event("Create", EVERYTHING))
    [interpreter] = service.interpreters.values()
    tags = dict(interpreter.tags)
    known = {"PhysicalResourceId": created["PhysicalResourceId"]}
    previous = {**known, "OldResourceProperties": EVERYTHING}
    recorder.run("update", event("Update", {**EVERYTHING, "Tags": {}}, **previous))
    service.create_errors = [service_error("ValidationException")]
    recorder.run("update that fails", event("Update", PUBLIC, **previous))
    recorder.run("delete", event("Delete", EVERYTHING, **known))

    service.create_errors = [service_error("ServiceQuotaExceededException")]
    recorder.run("create that fails", event("Create", SANDBOX))
    service.creating = ["CREATE_FAILED"]
    leftover = event("Create", SANDBOX, RequestId="00000000-0000-0000-0000-000000000002")
    recorder.run("create that fails and leaves something to delete", leftover)
    slow = event("Create", SANDBOX, RequestId="00000000-0000-0000-0000-000000000003")
    service.creating = ["CREATING"]
    recorder.run("create that runs out of time", slow)
    taken = service.seed("mine")
    recorder.run(
        "update that would need the same name",
        event(
            "Update",
            NAMED,
            PhysicalResourceId=taken.id,
            OldResourceProperties={**NAMED, "Description": "another"},
        ),
    )
    service.deleting = ["DELETE_FAILED"]
    recorder.run("delete that fails", event("Delete", NAMED, PhysicalResourceId=taken.id))
    service.fault = (len(service.calls) + 1, False, ZeroDivisionError())
    recorder.run("error in the function", event("Create", SANDBOX))

    check_golden(
        "persisted/control.json",
        {
            "names": {
                "generated": CustomResourceRequest.from_event(event("Create", SANDBOX)).new_name,
                "generated without a prefix": CustomResourceRequest.from_event(
                    event("Create", {})
                ).new_name,
                "given": CustomResourceRequest.from_event(event("Create", NAMED)).new_name,
            },
            "placeholder_physical_id": CustomResourceRequest.from_event(
                event("Create", SANDBOX)
            ).physical_id,
            "tag_names": [
                event_module.STACK_TAG,
                event_module.RESOURCE_TAG,
                event_module.CONFIGURATION_TAG,
            ],
            "tags": tags,
            "configurations": {
                name: CustomResourceRequest.from_event(
                    event("Create", properties)
                ).spec.configuration_digest
                for name, properties in CONFIGURATIONS.items()
            },
            "create_parameters": service.created[0],
            "deletion_tokens": service.deleted,
            "environment_variables": environment_variables(),
            "responses": recorder.responses,
            "log": recorder.log_lines,
        },
    )


def environment_variables() -> list[str]:
    """Return the environment variables that the function's own code reads."""
    folder = Path(handler.__file__).parent
    reads = re.compile(r"environ(?:\.get\(|\[)\s*\"(\w+)\"|getenv\(\s*\"(\w+)\"")
    return sorted(
        name
        for path in folder.rglob("*.py")
        for names in reads.findall(path.read_text(encoding="utf-8"))
        for name in names
        if name
    )
