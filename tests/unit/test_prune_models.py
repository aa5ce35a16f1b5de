"""The data that the Lambda functions ship is the pinned botocore's, pruned by the script."""

from __future__ import annotations

import inspect
import json
from typing import Any

import botocore.session
import prune_models
import pytest
from botocore.loaders import JSONFileLoader

from tests.project import PROJECT


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """Return what the script writes; botocore changes the data that it has loaded before."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(JSONFileLoader, "load_file", inspect.unwrap(JSONFileLoader.load_file))
        return prune_models.model_files()


def test_the_committed_files_are_what_the_script_writes(written: dict[str, str]) -> None:
    for path, text in written.items():
        assert (PROJECT / path).read_text(encoding="utf-8") == text, path


def test_the_model_folders_have_no_other_files(written: dict[str, str]) -> None:
    folders = {model.folder for model in prune_models.MODELS}
    found = {
        str(file.relative_to(PROJECT))
        for folder in folders
        for file in (PROJECT / folder).rglob("*")
        if file.is_file()
    }
    assert found == set(written)


@pytest.mark.parametrize("model", prune_models.MODELS, ids=lambda model: model.folder.split("/")[1])
def test_a_pruned_model_has_the_members_of_the_full_model(
    model: prune_models.Model,
) -> None:
    pruned, full = botocore.session.Session(), botocore.session.Session()
    pruned.set_config_variable("data_path", str(PROJECT / model.folder))
    ours = pruned.get_service_model(model.service, api_version=model.api_version)
    theirs = full.get_service_model(model.service, api_version=model.api_version)
    assert sorted(ours.operation_names) == sorted(model.operations)
    for name in model.operations:
        mine, other = ours.operation_model(name), theirs.operation_model(name)
        sent, read = members(other.input_shape), members(other.output_shape)
        assert members(mine.input_shape) == sent & set(model.sent_members or sent)
        assert members(mine.output_shape) == read & set(model.read_members or read)


def members(shape: Any) -> set[str]:
    return set(shape.members) if shape else set()


@pytest.mark.parametrize("model", [model for model in prune_models.MODELS if model.read_members])
def test_the_model_has_each_member_that_is_sent_or_read(
    model: prune_models.Model, written: dict[str, str]
) -> None:
    text = written[f"{model.folder}/{model.service}/{model.api_version}/service-2.json"]
    shapes = json.loads(text)["shapes"].values()
    found = {name for shape in shapes for name in shape.get("members", ())}
    assert {*model.sent_members, *model.read_members} <= found


@pytest.mark.parametrize(
    "model", [model for model in prune_models.MODELS if model.folder == prune_models.INVOKE]
)
def test_no_operation_sets_the_parameters_whose_endpoint_rules_are_left_out(
    model: prune_models.Model,
) -> None:
    service = botocore.session.Session().get_service_model(model.service)
    for name in model.operations:
        operation = service.operation_model(name)
        fixed = {parameter.name for parameter in operation.static_context_parameters}
        given = {parameter.name for parameter in operation.context_parameters}
        assert (fixed | given).isdisjoint(prune_models.NEVER_SET), name


def test_settings_decide_conditions() -> None:
    off = {"fn": "booleanEquals", "argv": [{"ref": "Accelerate"}, False]}
    on = {"fn": "booleanEquals", "argv": [{"ref": "Accelerate"}, True]}
    unset = {"fn": "isSet", "argv": [{"ref": "CopySource"}]}
    directory = {"fn": "stringEquals", "argv": [{"ref": "bucketSuffix"}, "--x-s3"]}
    unknown = {"fn": "isSet", "argv": [{"ref": "Bucket"}]}
    conditions: list[dict[str, Any]] = [
        off,
        on,
        {"fn": "not", "argv": [on]},
        unset,
        directory,
        unknown,
    ]
    assert [prune_models.outcome(condition) for condition in conditions] == [
        True,
        False,
        True,
        False,
        False,
        None,
    ]
