"""Write the service models that the Lambda functions ship.

The Lambda runtime's own boto3 can be older than the API, and its full models are slow to load. Each
function therefore ships the operations that it calls, cut out of the models of the pinned botocore.
Run this script after changing the botocore pin or an operation below:

    python local/prune_models.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Model:
    """The part of one service's model that one Lambda function needs."""

    folder: str
    service: str
    api_version: str
    operations: tuple[str, ...]


MODELS = (
    Model(
        folder="lambda/control/code_interpreter_control/models",
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
        folder="lambda/control/code_interpreter_control/models",
        service="bedrock-agentcore",
        api_version="2024-02-28",
        operations=("ListCodeInterpreterSessions", "StopCodeInterpreterSession"),
    ),
    Model(
        folder="lambda/invoke/code_interpreter_invoke/models",
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
)


def main() -> None:
    for path, text in model_files().items():
        target = PROJECT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def model_files() -> dict[str, str]:
    """Return the text of every model file, by its path in the project."""
    loader = Loader(include_default_extras=False)
    result = {}
    for model in MODELS:
        folder = f"{model.folder}/{model.service}/{model.api_version}"
        full = loader.load_service_model(model.service, "service-2", model.api_version)
        rules = loader.load_service_model(model.service, "endpoint-rule-set-1", model.api_version)
        result[f"{folder}/service-2.json"] = to_json(prune(full, model.operations))
        result[f"{folder}/endpoint-rule-set-1.json"] = to_json(rules)
    return result


def prune(model: dict[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    pending = sorted(shape_names(kept))
    while pending:
        name = pending.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            pending += shape_names(shapes[name])
    return {
        "version": model["version"],
        "metadata": model["metadata"],
        "operations": without_documentation(kept),
        "shapes": without_documentation(shapes),
    }


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
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
