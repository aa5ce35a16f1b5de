"""Ways of use that a published guide for models shows, through every kind of caller."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.programs import patterns

from .deployment import Deployment
from .example_site import serving_example_site
from .tool_calls import CALLERS, Response, client, directly, output

PNG = b"\x89PNG\r\n\x1a\n"

SESSION = "guide"

Call = Callable[..., Response]


# `make test` runs the patterns through one caller; `test_tools.py` runs every tool through each.
PARAMETERS = [
    pytest.param(name, marks=() if name == "direct" else pytest.mark.slow) for name in CALLERS
]


@pytest.fixture(scope="module", params=PARAMETERS)
def caller(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def call(deployed: Deployment, caller: str) -> Call:
    """Return a function that calls a tool, which succeeds, in one session of all callers."""

    def call(tool: str, **arguments: Any) -> Response:
        response = CALLERS[caller](deployed, SESSION, tool, **arguments)
        assert response["status"] == "ok", response
        return response

    return call


@pytest.fixture(scope="module")
def example_site(deployed: Deployment) -> Iterator[None]:
    """Let the session reach a site on the loopback interface as https://api.example.com."""
    with serving_example_site() as program:
        prepared = directly(deployed, SESSION, "execute_code", code=program)
        assert prepared["status"] == "ok", prepared
        yield


def take_saved(deployed: Deployment, path: str) -> bytes:
    """Return a saved file of the session, and delete it, so that the next caller saves it anew."""
    s3 = client(deployed, "s3")
    place = {
        "Bucket": output(deployed, "WorkspaceBucketName"),
        "Key": f"workspace/{SESSION}/{path}",
    }
    body = s3.get_object(**place)["Body"].read()
    s3.delete_object(**place)
    return bytes(body)


def test_data_analysis(call: Call) -> None:
    stdout = call("execute_code", code=patterns.ANALYSIS, language="python")["stdout"]
    assert stdout.startswith("=== Summary Statistics ===\n")
    assert re.search(r"^count +100 +100\.0+ +100\.0+ +100\.0+$", stdout, re.MULTILINE)
    profit = re.search(r"\nTotal Profit: \$([\d,]+\.\d\d)\n", stdout)
    margin = re.search(r"\nProfit Margin: (\d+\.\d)%$", stdout)
    assert profit is not None
    assert margin is not None
    # The standard deviations are 2,500 and 2.
    assert 10_000 < float(profit[1].replace(",", "")) < 50_000
    assert 15 < float(margin[1]) < 45


# `test_a_workflow_of_several_requests` draws and saves a smaller figure.
@pytest.mark.slow
def test_visualization(deployed: Deployment, call: Call) -> None:
    response = call(
        "execute_code",
        code=patterns.DASHBOARD,
        language="python",
        output_filename="dashboard.png",
    )
    assert response["stdout"] == "Dashboard saved"
    assert response["files_saved"] == ["code-interpreter/dashboard.png"]
    image = take_saved(deployed, "code-interpreter/dashboard.png")
    assert image.startswith(PNG)
    width, height = (int.from_bytes(image[at : at + 4]) for at in (16, 20))
    assert 3_800 < width < 4_400  # 14 inches with 300 dots each
    assert 2_700 < height < 3_200


# `test_programs.py` has a smaller model of scikit-learn.
@pytest.mark.slow
def test_machine_learning(call: Call) -> None:
    stdout = call("execute_code", code=patterns.CLASSIFICATION, language="python")["stdout"]
    rows = {line.split()[0]: line.split()[1:] for line in stdout.splitlines() if line.strip()}
    assert rows["setosa"] == ["1.00", "1.00", "1.00", "19"]
    assert rows["versicolor"][-1] == rows["virginica"][-1] == "13"
    assert float(rows["accuracy"][0]) > 0.9


def test_sql(call: Call) -> None:
    stdout = call("execute_code", code=patterns.QUERY, language="python")["stdout"]
    header, *rows = (line.split() for line in stdout.splitlines())
    assert header == ["customer", "cnt", "total"]
    # Customer 19 has the orders 19, 39, ..., 99: 5 * 50 + 3.5 * 295.
    assert rows[0] == ["Customer_19", "5", "1282.5"]
    assert rows[-1] == ["Customer_10", "5", "1125.0"]
    assert len(rows) == 10


@pytest.mark.usefixtures("example_site")
def test_data_from_the_web(call: Call) -> None:
    response = call("execute_code", code=patterns.FETCH, language="python")
    assert [line.split() for line in response["stdout"].splitlines()] == [
        ["city", "visits"],
        ["0", "Lyon", "7"],
        ["1", "Oslo", "12"],
    ]
    assert response["stderr"] == ""


def test_a_workflow_of_several_requests(deployed: Deployment, call: Call) -> None:
    assert call("execute_code", code=patterns.LOAD)["stdout"] == "2"
    chart = call("execute_code", code=patterns.CHART, output_filename="chart.png")
    assert (chart["stdout"], chart["files_saved"]) == ("30", ["code-interpreter/chart.png"])
    assert take_saved(deployed, "code-interpreter/chart.png").startswith(PNG)
    assert call("execute_code", code=patterns.EXPORT)["stdout"] == "exported"
    [file] = call("file_operations", operation="read", paths=["results.csv"])["files"]
    assert (file["encoding"], file["content"]) == (
        "text",
        "region,sales\nnorth,10\nsouth,20\n",
    )


# The guide's examples of requests, in an order in which each finds its files.
EXAMPLES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("execute_code", {"code": patterns.DESCRIBE, "language": "python"}, {"exit_code": 0}),
    (
        "execute_code",
        {"code": patterns.SINE, "language": "python", "output_filename": "sine.png"},
        {"stdout": "Done", "files_saved": ["code-interpreter/sine.png"]},
    ),
    ("execute_command", {"command": "pip install yfinance"}, {"exit_code": 0}),
    ("execute_command", {"command": "python --version && pip list | head -20"}, {"exit_code": 0}),
    (
        "file_operations",
        {
            "operation": "write",
            "content": [{"path": "config.json", "text": '{"key": "value"}'}],
        },
        {"files_written": ["config.json"]},
    ),
    ("file_operations", {"operation": "list", "paths": ["."]}, {}),
    ("file_operations", {"operation": "read", "paths": ["output.csv"]}, {}),
    (
        "ci_push_to_workspace",
        {"paths": ["chart.png", "results.json"]},
        {"files_saved": ["code-interpreter/chart.png", "code-interpreter/results.json"]},
    ),
    ("ci_push_to_workspace", {}, {}),
    ("execute_code", {"output_filename": "chart.png", "code": "..."}, {"stdout": "Ellipsis"}),
    ("workspace_read", {"path": "code-interpreter/chart.png"}, {"encoding": "base64"}),
    ("workspace_read", {"path": "code-interpreter/results.json"}, {"content": "{}"}),
    ("workspace_list", {"path": "code-interpreter/"}, {}),
]

# The files that the examples read, and a package in the place of the published one.
PREPARATION = """\
import os, pathlib, zipfile
pathlib.Path('output.csv').write_text('a,b\\n1,2\\n')
pathlib.Path('results.json').write_text('{}')
pathlib.Path('chart.png').write_bytes(bytes.fromhex('89504e470d0a1a0a'))
home = pathlib.Path.home()
info = 'yfinance-1.0.dist-info'
with zipfile.ZipFile(home / 'yfinance-1.0-py3-none-any.whl', 'w') as wheel:
    wheel.writestr('yfinance.py', '')
    wheel.writestr(f'{info}/METADATA', 'Metadata-Version: 2.1\\nName: yfinance\\nVersion: 1.0\\n')
    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nTag: py3-none-any\\n')
    wheel.writestr(f'{info}/RECORD', '')
settings = home / '.config' / 'pip' / 'pip.conf'
settings.parent.mkdir(parents=True, exist_ok=True)
settings.write_text(f'[install]\\nno-index = true\\nfind-links = {home}\\n')
"""


def test_the_examples_of_requests(call: Call) -> None:
    call("execute_code", code=PREPARATION)
    responses = []
    for tool, arguments, expected in EXAMPLES:
        response = call(tool, **arguments)
        assert expected.items() <= response.items(), (tool, response)
        responses.append(response)
    assert re.search(r"^mean +2\.0 +5\.0$", responses[0]["stdout"], re.MULTILINE)
    assert re.search(
        "Successfully installed yfinance|already satisfied: yfinance", responses[2]["stdout"]
    )
    assert call("execute_code", code="import yfinance; print('imported')")["stdout"] == "imported"
    assert responses[3]["stdout"].startswith("Python 3.")
    entries = {entry["name"]: entry["type"] for entry in responses[5]["entries"]}
    assert entries["config.json"] == "file"
    assert responses[6]["files"][0]["content"] == "a,b\n1,2\n"
    assert "code-interpreter/config.json" in responses[8]["files_saved"]
    assert base64.b64decode(responses[10]["content"]).startswith(PNG)
    listed = {file["path"] for file in responses[12]["files"]}
    assert {"code-interpreter/config.json", "code-interpreter/sine.png"} <= listed
