"""Write the data of botocore that the Lambda functions ship.

The Lambda runtime's own boto3 can be older than the API, and its full models are slow to load. Each
function therefore ships the operations that it calls, cut out of the models of the pinned botocore.
The invoke function, which callers wait for, also ships the endpoints of its services and the few
certificate authorities that they use. Run this script after changing the botocore pin or an
operation below:

    python local/prune_models.py
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.httpsession import DEFAULT_CA_BUNDLE
from botocore.loaders import Loader

PROJECT = Path(__file__).resolve().parent.parent
INVOKE = "lambda/invoke/code_interpreter_invoke/models"
CONTROL = "lambda/control/code_interpreter_control/models"


@dataclass(frozen=True)
class Model:
    """The part of one service's model that one Lambda function needs.

    :ivar sent_members: The members of requests that the function or botocore sends; all if there
        are none here.
    :ivar read_members: The members of responses that the function or botocore reads; all if there
        are none here. botocore looks for each member of a response in its headers.
    """

    folder: str
    service: str
    api_version: str
    operations: tuple[str, ...]
    sent_members: tuple[str, ...] = ()
    read_members: tuple[str, ...] = ()


MODELS = (
    Model(
        folder=CONTROL,
        service="bedrock-agentcore-control",
        api_version="2023-06-05",
        operations=(
            "CreateCodeInterpreter",
            "DeleteCodeInterpreter",
            "GetCodeInterpreter",
            "ListCodeInterpreters",
            "ListTagsForResource",
            "TagResource",
            "UntagResource",
        ),
    ),
    Model(
        folder=CONTROL,
        service="bedrock-agentcore",
        api_version="2024-02-28",
        operations=("ListCodeInterpreterSessions", "StopCodeInterpreterSession"),
    ),
    Model(
        folder=INVOKE,
        service="bedrock-agentcore",
        api_version="2024-02-28",
        operations=(
            "GetCodeInterpreterSession",
            "InvokeCodeInterpreter",
            "ListCodeInterpreterSessions",
            "StartCodeInterpreterSession",
            "StopCodeInterpreterSession",
        ),
    ),
    Model(
        folder=INVOKE,
        service="s3",
        api_version="2006-03-01",
        operations=(
            "CompleteMultipartUpload",
            "CreateMultipartUpload",
            "DeleteObject",
            "GetObject",
            "HeadBucket",  # by which botocore finds the region of a bucket
            "HeadObject",
            "ListObjectsV2",
            "PutObject",
            "UploadPart",
        ),
        sent_members=(
            "Body",
            "Bucket",
            "ChecksumAlgorithm",  # botocore sets this and the other checksums
            "ChecksumMode",
            "ChecksumCRC32",
            "ChecksumCRC32C",
            "ChecksumCRC64NVME",
            "ChecksumType",
            "ContentLength",
            "ContentMD5",
            "ContentType",
            "Delimiter",
            "ETag",
            "EncodingType",  # botocore sets it
            "IfMatch",
            "IfNoneMatch",
            "Key",
            "MultipartUpload",
            "PartNumber",
            "Parts",
            "Prefix",
            "Range",
            "ResponseContentDisposition",
            "StartAfter",
            "UploadId",
        ),
        read_members=(
            "Body",
            "ContentLength",
            "ContentRange",
            "Contents",
            "Delimiter",  # which botocore decodes, as it does the keys
            "ETag",
            "EncodingType",
            "IsTruncated",
            "Key",
            "LastModified",
            "Prefix",
            "Size",
            "StartAfter",
            "UploadId",
        ),
    ),
)
# Parameters of the endpoint rules: those that are off in the functions' clients, and those that
# none of their operations sets.
OFF = ("Accelerate", "UseGlobalEndpoint")
NEVER_SET = (
    "CopySource",
    "DisableAccessPoints",
    "DisableS3ExpressSessionAuth",
    "UseObjectLambdaEndpoint",
    "UseS3ExpressControlEndpoint",
)
# How the endpoint rules know S3's other resources by a name or an ARN: directory buckets, Outposts
# and Object Lambda. The workspace is a general purpose bucket.
OTHER_RESOURCES = ("--x-s3", "--xa-s3", "--op-s3", "s3-outposts", "s3-object-lambda")
# botocore loads these files for every client.
SHARED_DATA = ("endpoints", "partitions", "sdk-default-configuration")
# botocore asks STS for credentials where a profile or a web identity names a role.
SERVICES_WITH_ENDPOINTS = ("bedrock-agentcore", "s3", "sts")
# The authorities that the certificates of AWS's endpoints come from, as the bundle names them:
# https://www.amazontrust.com/repository/
ROOTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Class 2 CA",
    "Starfield Services Root Certificate Authority - G2",
)
LABEL_AND_CERTIFICATE = re.compile(
    r'^# Label: "([^"]+)"$.*?(^-----BEGIN CERTIFICATE-----$.+?^-----END CERTIFICATE-----$)',
    re.DOTALL | re.MULTILINE,
)


def main() -> None:
    for path, text in model_files().items():
        target = PROJECT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def model_files() -> dict[str, str]:
    """Return the text of every file, by its path in the project."""
    loader = Loader(include_default_extras=False)
    result = {}
    for model in MODELS:
        folder = f"{model.folder}/{model.service}/{model.api_version}"
        full = loader.load_service_model(model.service, "service-2", model.api_version)
        rules = loader.load_service_model(model.service, "endpoint-rule-set-1", model.api_version)
        result[f"{folder}/service-2.json"] = to_json(prune(full, model))
        rules = {**without_documentation(rules), "rules": reachable(rules["rules"])}
        result[f"{folder}/endpoint-rule-set-1.json"] = to_json(rules)
    for name in SHARED_DATA:
        result[f"{INVOKE}/{name}.json"] = to_json(shared_data(loader, name))
    result[f"{INVOKE}/roots.pem"] = roots(Path(DEFAULT_CA_BUNDLE).read_text(encoding="utf-8"))
    return result


def roots(bundle: str) -> str:
    """Return the certificates of `ROOTS`."""
    found = dict(LABEL_AND_CERTIFICATE.findall(bundle))
    return "".join(f"# {label}\n{found[label]}\n" for label in ROOTS)


def shared_data(loader: Loader, name: str) -> dict[str, Any]:
    data: dict[str, Any] = without_texts(loader.load_data(name))
    if name != "endpoints":
        return data
    partitions = [
        {**partition, "services": only(partition["services"], SERVICES_WITH_ENDPOINTS)}
        for partition in data["partitions"]
    ]
    return {**data, "partitions": partitions}


def without_texts(node: Any) -> Any:
    """Leave out the names of regions and the documentation of settings, which nothing reads."""
    if isinstance(node, list):
        return [without_texts(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_texts(value)
        for key, value in node.items()
        if key not in ("description", "documentation")
    }


def only(members: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name in names}


def prune(full: dict[str, Any], model: Model) -> dict[str, Any]:
    operations = only(full["operations"], model.operations)
    shapes = full["shapes"]
    for part, names in (("input", model.sent_members), ("output", model.read_members)):
        if names:
            messages = [operation.get(part, {}) for operation in operations.values()]
            used = reachable_shapes(messages, shapes)
            shapes = {**shapes, **{name: with_members(used[name], names) for name in used}}
    return {
        # With its documentation, which botocore reads of these parameters.
        **only(full, ("version", "metadata", "clientContextParams")),
        "operations": without_documentation(operations),
        "shapes": without_documentation(reachable_shapes(operations, shapes)),
    }


def reachable_shapes(node: Any, shapes: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes that a part of a model refers to, and those that they refer to."""
    found: dict[str, Any] = {}
    pending = sorted(shape_names(node))
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = shapes[name]
            pending += shape_names(shapes[name])
    return found


def with_members(shape: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a shape with some of its members, if it has any."""
    return {**shape, "members": only(shape["members"], names)} if "members" in shape else shape


def reachable(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the endpoint rules, and the conditions, that the functions' settings decide."""
    kept = []
    for rule in rules:
        outcomes = [outcome(condition) for condition in rule["conditions"]]
        if False in outcomes:
            continue
        open_conditions = [
            condition
            for condition, known in zip(rule["conditions"], outcomes, strict=True)
            if known is None
        ]
        rule = {**rule, "conditions": open_conditions}
        if rule["type"] == "tree":
            rule["rules"] = reachable(rule["rules"])
        kept.append(rule)
    return kept


def outcome(condition: dict[str, Any]) -> bool | None:
    """Return the outcome of a condition, or None if it depends on more than the settings."""
    function, [subject, *values] = condition["fn"], condition["argv"]
    if function == "not":
        negated = outcome(subject) if "fn" in subject else None
        return None if negated is None else not negated
    if function == "stringEquals" and values[0] in OTHER_RESOURCES:
        return False
    name = subject.get("ref") if isinstance(subject, dict) else None
    if function == "isSet" and name in NEVER_SET:
        return False
    if function == "booleanEquals" and name in OFF:
        return bool(values == [False])
    return None


def shape_names(node: Any) -> set[str]:
    """Return the names of the shapes that a part of a model refers to."""
    if isinstance(node, list):
        return {name for item in node for name in shape_names(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["shape"]} if isinstance(node.get("shape"), str) else set()
    return own.union(*(shape_names(item) for item in node.values()))


def without_documentation(node: Any) -> Any:
    if isinstance(node, list):
        return [without_documentation(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_documentation(value)
        for key, value in node.items()
        if not (key == "documentation" and isinstance(value, str))
    }


def to_json(document: dict[str, Any]) -> str:
    """Return JSON without white space, of which there would be more than of the rest."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
