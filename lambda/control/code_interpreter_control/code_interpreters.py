"""The calls to AgentCore; the only module that uses boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import ServiceError

MODELS = Path(__file__).parent / "models"
# Botocore retries after throttling, server errors and lost connections. Every call here can be
# repeated: it reads, carries a client token, or sets the same value again.
CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 6},
)


class Status(StrEnum):
    """The status of a code interpreter; a value that is new to this code is kept as it is."""

    CREATING = "CREATING"
    CREATE_FAILED = "CREATE_FAILED"
    READY = "READY"
    DELETING = "DELETING"
    DELETE_FAILED = "DELETE_FAILED"
    DELETED = "DELETED"

    @classmethod
    def _missing_(cls, value: object) -> Status:
        status = str.__new__(cls, value)
        status._name_ = status._value_ = str(value)
        return status


@dataclass(frozen=True)
class CodeInterpreter:
    """A custom code interpreter of the account."""

    id: str
    arn: str
    name: str
    status: Status
    created_at: datetime
    failure_reason: str

    @classmethod
    def from_api(cls, members: Mapping[str, Any]) -> CodeInterpreter:
        """Return the code interpreter that a call describes.

        A list may leave out the name: an id is the name, a hyphen and a random suffix.
        """
        interpreter_id = members["codeInterpreterId"]
        return cls(
            id=interpreter_id,
            arn=members["codeInterpreterArn"],
            name=members.get("name", interpreter_id.rpartition("-")[0]),
            status=Status(members["status"]),
            created_at=members["createdAt"],
            failure_reason=members.get("failureReason", "AWS gave no reason"),
        )


class CodeInterpreters:
    """The code interpreters of the control plane, and their sessions in the data plane."""

    def __init__(self, control: Any, data: Any) -> None:
        self._control = control
        self._data = data

    @classmethod
    def with_bundled_models(cls) -> CodeInterpreters:
        """Return clients that use the API models in this package, not those of the runtime."""
        session = botocore.session.Session()
        session.set_config_variable("data_path", str(MODELS))
        boto = boto3.Session(botocore_session=session)
        return cls(
            control=boto.client(
                "bedrock-agentcore-control", api_version="2023-06-05", config=CONFIG
            ),
            data=boto.client("bedrock-agentcore", api_version="2024-02-28", config=CONFIG),
        )

    def create(self, parameters: Mapping[str, Any]) -> str:
        """Start the creation of a code interpreter, and return its id."""
        created = call(self._control.create_code_interpreter, **parameters)
        return str(created["codeInterpreterId"])

    def get(self, interpreter_id: str) -> CodeInterpreter | None:
        """Return the code interpreter, or None if it does not exist."""
        try:
            found = call(self._control.get_code_interpreter, codeInterpreterId=interpreter_id)
        except ServiceError as error:
            if self._is_gone(interpreter_id, error):
                return None
            raise
        return CodeInterpreter.from_api(found)

    def all(self) -> Iterator[CodeInterpreter]:
        """Return the custom code interpreters of the account and region."""
        for page in pages(self._control.list_code_interpreters, type="CUSTOM", maxResults=100):
            yield from map(CodeInterpreter.from_api, page["codeInterpreterSummaries"])

    def delete(self, interpreter_id: str, *, token: str) -> None:
        """Start the deletion of a code interpreter, if it still exists."""
        try:
            call(
                self._control.delete_code_interpreter,
                codeInterpreterId=interpreter_id,
                clientToken=token,
            )
        except ServiceError as error:
            if not self._is_gone(interpreter_id, error):
                raise

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a code interpreter, or none if it does not exist."""
        try:
            found = call(self._control.list_tags_for_resource, resourceArn=arn)
        except ServiceError as error:
            if error.is_missing:
                return {}
            raise
        tags: dict[str, str] = found.get("tags", {})
        return tags

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        call(self._control.tag_resource, resourceArn=arn, tags=tags)

    def untag(self, arn: str, keys: list[str]) -> None:
        call(self._control.untag_resource, resourceArn=arn, tagKeys=keys)

    def live_sessions(self, interpreter_id: str) -> Iterator[str]:
        """Return the ids of the live sessions, or none if there is no code interpreter."""
        operation = self._data.list_code_interpreter_sessions
        parameters = {"codeInterpreterIdentifier": interpreter_id, "status": "READY"}
        try:
            for page in pages(operation, **parameters, maxResults=100):
                for session in page["items"]:
                    if session["status"] == "READY":
                        yield session["sessionId"]
        except ServiceError as error:
            if not self._is_gone(interpreter_id, error):
                raise

    def stop_session(self, interpreter_id: str, session_id: str) -> None:
        """Stop a session, if it has not ended."""
        try:
            call(
                self._data.stop_code_interpreter_session,
                codeInterpreterIdentifier=interpreter_id,
                sessionId=session_id,
            )
        except ServiceError as error:
            if not self._is_gone(interpreter_id, error):
                raise

    def _is_gone(self, interpreter_id: str, error: ServiceError) -> bool:
        """Return whether a call failed because the code interpreter or session does not exist.

        The function's permissions depend on a tag, so AWS can deny access to a code interpreter
        that does not exist. The list of all code interpreters shows which of both it is.
        """
        return error.is_missing or (
            error.is_denied and all(interpreter.id != interpreter_id for interpreter in self.all())
        )


def pages(operation: Callable[..., Any], **parameters: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = call(operation, **parameters)
        yield page
        if not page.get("nextToken"):
            return
        parameters["nextToken"] = page["nextToken"]


def call(operation: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """Call a method of a client.

    :raises ServiceError: if AWS or botocore refuses the call.
    """
    name = operation.__name__
    try:
        result: dict[str, Any] = operation(**parameters)
    except ClientError as error:
        details = error.response.get("Error", {})
        raise ServiceError(
            operation=name,
            code=details.get("Code", "Unknown"),
            message=details.get("Message", "no message"),
            request_id=error.response.get("ResponseMetadata", {}).get("RequestId", "unknown"),
        ) from error
    except BotoCoreError as error:
        raise ServiceError(
            operation=name, code=type(error).__name__, message=str(error), request_id="none"
        ) from error
    return result
