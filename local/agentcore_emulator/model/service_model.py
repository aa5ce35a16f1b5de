"""The API as botocore's service models describe it: routing, requests in, responses out.

No shape is retyped here. Each member of a request is read from the place that the model names
(URI, query string, header, body) and checked against every constraint of the model. A response
holds all members that the model requires, and none that it does not name.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from agentcore_emulator.model.errors import ModelledError, ValidationError

CONTROL_OPERATIONS = (
    "CreateCodeInterpreter",
    "GetCodeInterpreter",
    "ListCodeInterpreters",
    "DeleteCodeInterpreter",
    "ListTagsForResource",
    "TagResource",
    "UntagResource",
)
DATA_OPERATIONS = (
    "StartCodeInterpreterSession",
    "GetCodeInterpreterSession",
    "ListCodeInterpreterSessions",
    "StopCodeInterpreterSession",
    "InvokeCodeInterpreter",
)

# The service omits these although the model requires them (seen in recorded responses).
OMITTED_BY_THE_SERVICE = frozenset({("ResourceContent", "type")})

# Messages quote a refused value up to this length, and never a sensitive one.
QUOTED_LENGTH = 256


@dataclass(frozen=True)
class Operation:
    """One operation: its route and its shapes."""

    name: str
    model: OperationModel
    method: str
    path: re.Pattern[str]

    @property
    def success_status(self) -> int:
        return int(self.model.http["responseCode"])


@functools.cache
def operations() -> dict[str, Operation]:
    """Return all twelve operations by name."""
    return {
        name: operation_from(service.operation_model(name))
        for service, names in (
            (load_model("bedrock-agentcore-control"), CONTROL_OPERATIONS),
            (load_model("bedrock-agentcore"), DATA_OPERATIONS),
        )
        for name in names
    }


def route(method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
    """Return the operation of a request and the labels in its path, or None if there is none."""
    for operation in operations().values():
        match = operation.path.fullmatch(raw_path)
        if match and operation.method == method:
            return operation, {name: unquote(value) for name, value in match.groupdict().items()}
    return None


def error_status(code: str) -> int:
    """Return the HTTP status of an error."""
    shape = load_model("bedrock-agentcore").shape_for(code)
    return int(shape.metadata["error"]["httpStatusCode"])


def stream_exceptions() -> list[str]:
    """Return the names of the exceptions that the result stream can carry."""
    members = operations()["InvokeCodeInterpreter"].model.get_event_stream_output().members
    return [name for name in members if name != "result"]


def parse_request(
    operation: Operation,
    labels: Mapping[str, str],
    query_string: str,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, Any]:
    """Return the request's parameters under the API's own names.

    :raises ValidationError: naming every field that breaks the model.
    """
    query = parse_qs(query_string, keep_blank_values=True)
    document = parse_document(body)
    members: dict[str, Any] = {}
    for name, shape in operation.model.input_shape.members.items():
        location = shape.serialization.get("location")
        key = shape.serialization.get("name", name)
        if location == "uri":
            members[name] = labels[key]
        elif location == "querystring":
            members[name] = parse_query_value(shape, query.get(key, []))
        elif location == "header":
            members[name] = headers.get(key.lower())
        else:
            members[name] = document.get(key)
    reader = RequestReader()
    params: dict[str, Any] = reader.read(operation.model.input_shape, members, "")
    reader.raise_problems()
    return params


def serialise(shape: Shape, value: Any) -> Any:
    """Return `value` in the form that JSON can carry.

    :raises ValueError: if the model does not allow the value, which is a defect of the emulator.
    """
    if shape.type_name == "structure":
        return serialise_structure(shape, value)
    if shape.type_name == "list":
        return [serialise(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: serialise(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        moment: datetime = value
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if shape.type_name == "blob":
        return base64.b64encode(value).decode("ascii")
    if not has_type(shape, value):
        raise ValueError(f"{shape.name} must be {shape.type_name}, not {type(value).__name__}")
    return value


def serialise_output(operation: Operation, output: dict[str, Any]) -> bytes:
    """Return the body of a successful response."""
    document = serialise(operation.model.output_shape, output)
    return b"" if operation.success_status == 204 else json.dumps(document).encode()


def serialise_result(result: dict[str, Any]) -> bytes:
    """Return the payload of the `result` event: the members of the result, not nested."""
    stream = operations()["InvokeCodeInterpreter"].model.get_event_stream_output()
    return json.dumps(serialise(stream.members["result"], result)).encode()


def serialise_error(error: ModelledError) -> bytes:
    """Return the body of a modelled error."""
    return json.dumps(
        serialise(load_model("bedrock-agentcore").shape_for(error.code), error.members)
    ).encode()


@functools.cache
def load_model(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def operation_from(model: OperationModel) -> Operation:
    uri = str(model.http["requestUri"])
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(uri))
    return Operation(model.name, model, str(model.http["method"]), re.compile(pattern))


def parse_document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise ValidationError("The body is not JSON.", reason="CannotParse") from None
    if not isinstance(document, dict):
        raise ValidationError("The body is not a JSON object.", reason="CannotParse")
    return document


def parse_query_value(shape: Shape, texts: list[str]) -> Any:
    """Return a query parameter's value; text that is no number fails the later type check."""
    if shape.type_name == "list":
        return texts  # a query string cannot express an empty list
    if not texts:
        return None
    text = texts[-1]
    if shape.type_name == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return text


def has_type(shape: Shape, value: Any) -> bool:
    if shape.type_name in ("integer", "long"):
        return isinstance(value, int) and not isinstance(value, bool)
    if shape.type_name in ("double", "float"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    types = {
        "structure": dict,
        "list": list,
        "map": dict,
        "string": str,
        "blob": str,
        "boolean": bool,
    }
    return isinstance(value, types[shape.type_name])


def serialise_structure(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    unknown = value.keys() - shape.members.keys()
    missing = [
        name
        for name in shape.required_members
        if name not in value and (shape.name, name) not in OMITTED_BY_THE_SERVICE
    ]
    if unknown or missing:
        raise ValueError(f"{shape.name}: not in the model {sorted(unknown)}, missing {missing}")
    return {
        name: serialise(shape.members[name], item)
        for name, item in value.items()
        if item is not None
    }


class RequestReader:
    """Reads a request by its shape and collects every problem."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def raise_problems(self) -> None:
        if not self.problems:
            return
        count = len(self.problems)
        detected = f"{count} validation error{'s' if count > 1 else ''} detected"
        raise ValidationError(
            f"{detected}: {'; '.join(self.problems.values())}", fields=self.problems
        )

    def read(self, shape: Shape, value: Any, path: str) -> Any:
        if not has_type(shape, value):
            self._refuse(path, f"Value at '{path}' must be of type {shape.type_name}")
            return None
        if shape.type_name == "structure":
            return self._structure(shape, value, path)
        if shape.type_name == "list":
            items: Iterable[tuple[int, Any]] = enumerate(value, start=1)
            value = [
                self.read(shape.member, item, f"{path}.{index}.member") for index, item in items
            ]
        elif shape.type_name == "map":
            value = {
                self.read(shape.key, key, f"{path}.key"): self.read(
                    shape.value, item, f"{path}.{key}"
                )
                for key, item in value.items()
            }
        elif shape.type_name == "blob":
            value = self._blob(value, path)
        self._check(shape, value, path)
        return value

    def _structure(self, shape: Shape, value: dict[str, Any], path: str) -> dict[str, Any]:
        prefix = f"{path}." if path else ""
        # Like the service, ignore unknown members and treat null as absent.
        members = {name: value[name] for name in shape.members if value.get(name) is not None}
        for name in shape.required_members:
            if name not in members:
                self._fails(f"{prefix}{name}", "null", "Member must not be null")
        if shape.is_tagged_union and len(members) != 1:
            self._refuse(
                path, f"Value at '{path}' must set exactly one of: {', '.join(shape.members)}"
            )
        return {
            name: self.read(shape.members[name], item, prefix + name)
            for name, item in members.items()
        }

    def _blob(self, value: str, path: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            self._refuse(path, f"Value at '{path}' must be base64")
            return b""

    def _check(self, shape: Shape, value: Any, path: str) -> None:
        quoted = "given" if shape.metadata.get("sensitive") else quote(value)
        if shape.type_name == "string":
            if not is_encodable(value):
                self._refuse(path, f"Value at '{path}' must be valid Unicode")
            if shape.enum and value not in shape.enum:
                allowed = ", ".join(shape.enum)
                self._fails(path, quoted, f"Member must satisfy enum value set: [{allowed}]")
            pattern = shape.metadata.get("pattern")
            if pattern and not re.fullmatch(pattern, value, re.ASCII):
                self._fails(
                    path, quoted, f"Member must satisfy regular expression pattern: {pattern}"
                )
        measured, measure = (
            (value, "value")
            if shape.type_name in ("integer", "long")
            else (length_of(value), "length")
        )
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if least is not None and measured < least:
            self._fails(
                path, quoted, f"Member must have {measure} greater than or equal to {least}"
            )
        if most is not None and measured > most:
            self._fails(path, quoted, f"Member must have {measure} less than or equal to {most}")

    def _fails(self, path: str, quoted: str, constraint: str) -> None:
        self._refuse(path, f"Value {quoted} at '{path}' failed to satisfy constraint: {constraint}")

    def _refuse(self, path: str, problem: str) -> None:
        self.problems.setdefault(path, problem)


def quote(value: Any) -> str:
    quotable = isinstance(value, str | int) and len(str(value)) <= QUOTED_LENGTH
    return f"'{value}'" if quotable else "given"


def length_of(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | dict) else 0


def is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
