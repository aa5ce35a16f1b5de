"""The AWS calls: the only module that knows boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import ServiceError

MODELS = Path(__file__).parent / "models"
# Throttling, server errors and lost connections are tried again by botocore. Every call here may
# be repeated: those that change something carry a client token, or change it to the same again.
CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 6},
)


class CodeInterpreters:
    """The control plane's code interpreters, and the data plane's sessions of them."""

    def __init__(self, control: Any, data: Any) -> None:
        self._control = control
        self._data = data

    @classmethod
    def of_runtime(cls) -> CodeInterpreters:
        """The clients of the Lambda runtime, with the models that travel with this code."""
        session = botocore.session.Session()
        session.set_config_variable("data_path", str(MODELS))
        boto = boto3.Session(botocore_session=session)
        return cls(
            control=boto.client(
                "bedrock-agentcore-control", api_version="2023-06-05", config=CONFIG
            ),
            data=boto.client("bedrock-agentcore", api_version="2024-02-28", config=CONFIG),
        )

    def create(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return call(self._control.create_code_interpreter, **parameters)

    def get(self, interpreter_id: str) -> dict[str, Any] | None:
        """The code interpreter, or None when there is none."""
        try:
            return call(self._control.get_code_interpreter, codeInterpreterId=interpreter_id)
        except ServiceError as error:
            if self._is_gone(interpreter_id, error):
                return None
            raise

    def all(self) -> Iterator[dict[str, Any]]:
        for page in pages(self._control.list_code_interpreters, type="CUSTOM", maxResults=100):
            yield from page["codeInterpreterSummaries"]

    def delete(self, interpreter_id: str, *, token: str) -> None:
        """Ask for the deletion of a code interpreter that may be gone already."""
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
        """The tags of a code interpreter; one that is gone has none."""
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
        """Its sessions that have not ended; a code interpreter that is gone has none."""
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
        """Stop a session that may have ended already."""
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
        """Whether a call failed because there is no such code interpreter, or session of it.

        The function's permissions depend on a tag, so what is gone can look like what is
        forbidden; the list of all code interpreters tells them apart.
        """
        return error.is_missing or (
            error.is_denied
            and all(summary["codeInterpreterId"] != interpreter_id for summary in self.all())
        )


def pages(operation: Callable[..., Any], **parameters: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = call(operation, **parameters)
        yield page
        if not page.get("nextToken"):
            return
        parameters["nextToken"] = page["nextToken"]


def call(operation: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
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
