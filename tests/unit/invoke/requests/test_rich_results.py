from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from code_interpreter_invoke.errors import NotStartedError
from code_interpreter_invoke.files.rich_results import save_value
from code_interpreter_invoke.files.workspace import Workspace
from code_interpreter_invoke.requests.callers import Caller, caller_of
from code_interpreter_invoke.requests.limits import share_of_limit
from code_interpreter_invoke.requests.rich_results import MAX_MOVED, MIN_MOVED_BYTES, fit_results
from code_interpreter_invoke.responses import Response

PNG = base64.b64encode(b"\x89PNG" + bytes(20_000)).decode()
EVENTS: dict[str, tuple[Any, Any]] = {
    "direct": ({"tool": "describe_tools"}, None),
    "agent": ({"messageVersion": "1.0", "actionGroup": "a", "sessionId": "s"}, None),
}


class Saved(Workspace):
    """A workspace that keeps its files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.fails = False

    def save(self, path: str, body: bytes) -> None:
        if self.fails:
            raise NotStartedError("no access")
        self.files[f"code-interpreter/{path}"] = body


@pytest.fixture
def workspace() -> Saved:
    return Saved()


def caller(name: str) -> Caller:
    return caller_of(*EVENTS[name])


def response(*bundles: dict[str, Any]) -> Response:
    return {"status": "ok", "stdout": "", "results": [dict(bundle) for bundle in bundles]}


def test_a_small_value_stays_and_its_image_is_named(workspace: Saved) -> None:
    fitted = fit_results(response({"image/png": PNG}), caller("direct"), workspace)
    assert fitted["results"] == [{"image/png": PNG}]
    assert fitted["images"] == [{"mime_type": "image/png", "data": PNG}]
    assert workspace.files == {}


def test_an_svg_image_is_base64_as_the_others(workspace: Saved) -> None:
    fitted = fit_results(
        response({"image/svg+xml": "<svg>\ud800</svg>"}), caller("direct"), workspace
    )
    [image] = fitted["images"]
    assert base64.b64decode(image["data"]) == b"<svg>?</svg>"


def test_a_value_too_large_for_a_model_is_a_file(workspace: Saved) -> None:
    bundle = {"text/plain": "a figure", "image/png": PNG}
    fitted = fit_results(response(bundle), caller("agent"), workspace)
    [(path, body)] = workspace.files.items()
    assert fitted["results"] == [{"text/plain": "a figure", "files": {"image/png": path}}]
    assert fitted["images"] == [{"mime_type": "image/png", "file": path}]
    assert fitted["files_saved"] == [path]
    assert path.endswith(".png")
    assert body == base64.b64decode(PNG)


def test_the_largest_values_make_room_for_the_others(workspace: Saved) -> None:
    bundles = [
        {"text/html": letter * size} for letter, size in (("a", 3_000_000), ("b", 4_000_000))
    ]
    fitted = fit_results(response(*bundles), caller("direct"), workspace)
    [path] = workspace.files
    assert fitted["results"] == [bundles[0], {"files": {"text/html": path}}]


@pytest.mark.parametrize(
    ("kind", "value", "body"),
    [
        ("text/html", "<p>\u00fc\ud800", "<p>\u00fc?".encode()),
        ("image/svg+xml", "<svg/>", b"<svg/>"),
        ("application/json", {"a": 1}, b'{"a": 1}'),
        ("image/png", "not base64", b"not base64"),
        ("image/png", PNG, base64.b64decode(PNG)),
        ("x-y/unknown", "text", b"text"),
    ],
)
def test_a_value_is_saved_in_the_form_of_its_type(
    workspace: Saved, kind: str, value: Any, body: bytes
) -> None:
    assert workspace.files[save_value(workspace, kind, value)] == body


def test_a_figure_that_is_saved_already_is_not_saved_twice(workspace: Saved) -> None:
    saved = {"image/png": PNG, "files": {"image/png": "code-interpreter/results/a.png"}}
    fitted = fit_results(response(saved), caller("agent"), workspace)
    assert fitted["results"] == [{"files": {"image/png": "code-interpreter/results/a.png"}}]
    assert workspace.files == {}


def test_a_value_that_cannot_be_saved_is_told(workspace: Saved) -> None:
    workspace.fails = True
    fitted = fit_results(response({"image/png": PNG}), caller("agent"), workspace)
    assert fitted["results"] == [{}]
    assert fitted["warnings"] == ["a result of type image/png was not saved: no access"]


@pytest.mark.parametrize("size", [40, MIN_MOVED_BYTES - 2])
def test_values_smaller_than_their_references_stay(workspace: Saved, size: int) -> None:
    bundles = [{"text/plain": "x" * size}] * 1_000
    fitted = fit_results(response(*bundles), caller("agent"), workspace)
    assert fitted["results"] == bundles
    assert workspace.files == {}


def test_the_values_that_make_room_are_few(workspace: Saved) -> None:
    bundles = [{"text/plain": "x" * 400}] * 300
    fitted = fit_results(response(*bundles), caller("agent"), workspace)
    assert len(workspace.files) == len(fitted["files_saved"]) == MAX_MOVED
    assert len([bundle for bundle in fitted["results"] if "files" in bundle]) == MAX_MOVED


def test_no_more_values_are_moved_than_the_others_need(workspace: Saved) -> None:
    bundles = [{"text/html": "\"'<p>" * 800}] * 10
    fitted = fit_results(response(*bundles), caller("agent"), workspace)
    assert share_of_limit(fitted, caller("agent")) <= 1
    assert 0 < len(workspace.files) < 10
    fitted["results"].append(bundles[0])
    assert share_of_limit(fitted, caller("agent")) > 1


def test_every_value_that_the_caller_never_takes_is_moved(workspace: Saved) -> None:
    bundles = [{"text/html": "x" * 8_000}] * (MAX_MOVED + 5)
    fitted = fit_results(response(*bundles), caller("agent"), workspace)
    assert len(workspace.files) == len(fitted["files_saved"]) == MAX_MOVED + 5


def test_the_response_is_dumped_a_few_times(
    workspace: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = [{"text/plain": "x" * 400}] * 300
    sizes: list[int] = []

    def dumps(value: Any, **options: Any) -> str:
        text = json.JSONEncoder(**options).encode(value)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(json, "dumps", dumps)
    fit_results(response(*bundles), caller("agent"), workspace)
    assert len([size for size in sizes if size > 10_000]) <= 2 * 7
