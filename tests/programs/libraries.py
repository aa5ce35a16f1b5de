"""Programs with libraries that a local sandbox does not have by itself, and the service has."""

from __future__ import annotations

from .program import PNG, Containing, Including, Matching, Program, failed, ok, raised

PLOTLY = {
    "application/vnd.plotly.v1+json": Including("data", "layout"),
    "text/html": Containing("plotly-graph-div"),
}
SCRIPT = Matching(r"code-interpreter/results/\w+-1\.html")

LIBRARIES = [
    Program(
        name="a progress bar of tqdm",
        code="from tqdm import tqdm\nfor _ in tqdm(range(3)):\n    pass\nprint('end')",
        response=ok("end", Matching(r"100%\|█+\| 3/3 \[.*it/s\]")),
    ),
    Program(
        name="a progress bar of tqdm.auto",
        code="from tqdm.auto import tqdm\nfor _ in tqdm(range(3)):\n    pass\nprint('end')",
        response=ok("end", Containing("100%|", "3/3")),
    ),
    Program(
        name="text of rich",
        code="from rich import print\nprint('[bold red]careful[/bold red]')",
        response=ok("\x1b[1;31mcareful\x1b[0m"),
        after="del print",
    ),
    Program(
        name="a table of rich",
        code="from rich.console import Console\nfrom rich.table import Table\n"
        "table = Table('name')\ntable.add_row('x')\nConsole().print(table)",
        response=ok(Containing("name", "x")),
    ),
    Program(
        name="a figure of seaborn",
        code="import matplotlib.pyplot as plt\nimport seaborn as sns\n"
        "sns.lineplot(x=[1, 2], y=[1, 2])\nplt.show()",
        response=ok("<Figure size 640x480 with 1 Axes>"),
        observed={
            "results": [{"text/plain": "<Figure size 640x480 with 1 Axes>", "image/png": PNG}],
            "images": [{"mime_type": "image/png", "data": PNG}],
        },
    ),
    Program(
        name="a figure of plotly",
        # The first figure comes with plotly's own script.
        code="import plotly.express as px\npx.bar(x=['a'], y=[1])",
        response=ok(),
        observed={"results": [{"files": {"text/html": SCRIPT}}, PLOTLY], "files_saved": [SCRIPT]},
    ),
    Program(
        name="a figure of plotly that is shown",
        code="import plotly.express as px\npx.bar(x=['a'], y=[1]).show()",
        response=ok(),
        observed={"results": [PLOTLY]},
    ),
    Program(
        name="a figure of plotly as a file",
        code="import plotly.express as px\npx.bar(x=['a'], y=[1]).write_html('bar.html')",
        response=ok(),
        observed={"files_changed": {"created": ["bar.html"]}},
    ),
    Program(
        name="a styled table",
        code="import pandas as pd\npd.DataFrame({'a': [1, 2]}).style.highlight_max()",
        response=ok(Matching("<pandas.io.formats.style.Styler at .*>")),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": Matching("<pandas.io.formats.style.Styler at .*>"),
                    "text/html": Containing("background-color: yellow", "<table"),
                }
            ],
        },
    ),
    Program(
        name="a table as Markdown",
        code="import pandas as pd\nprint(pd.DataFrame({'a': [1]}).to_markdown())",
        response=ok(Containing("|    |   a |", "|  0 |   1 |")),
    ),
    Program(
        name="a model that is invalid",
        code="from pydantic import BaseModel\n\nclass Row(BaseModel):\n    n: int\n\nRow(n='x')",
        response=failed("ValidationError: 1 validation error for Row"),
        exception=raised(
            "ValidationError",
            Containing("1 validation error for Row\nn\n  Input should be a valid integer"),
            6,
        ),
    ),
    Program(
        name="a model of scikit-learn",
        code="from sklearn.linear_model import LinearRegression\n"
        "LinearRegression().fit([[1]], [1])",
        response=ok("LinearRegression()"),
        observed={
            "last_expression": 0,
            "results": [
                {
                    "text/plain": "LinearRegression()",
                    "text/html": Containing("LinearRegression"),
                }
            ],
        },
    ),
]
