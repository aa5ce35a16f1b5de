"""`make pictures`: draw the shell in a real terminal, and a notebook in a real browser.

A local AWS runs, the stack is deployed in it, and a person's keys are typed into the shell.
"""

from __future__ import annotations

import io
import itertools
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyte
from aws_cdk import App
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from local_aws import LocalAws
from stacks.code_interpreter_stack import CodeInterpreterStack
from stacks.settings import Settings

from .jupyterlab import CHROMIUM, draw_notebook
from .terminal import Terminal

PICTURE: Final = Path(__file__).parents[3] / "docs" / "terminal.svg"
NOTEBOOK: Final = PICTURE.with_name("notebook.png")
COLUMNS, ROWS = 88, 30
PROMPT: Final = r"\n>>>"
SALES: Final = "month,revenue\nJan,1200\nFeb,1350\nMar,1280\nApr,1610\nMay,1750\nJun,1690\n"
LINES: Final = (
    "%upload sales.csv",
    "import pandas as pd",
    "sales = pd.read_csv('sales.csv')",
    "sales.describe().round(1)",
    "axes = sales.plot.bar(x='month')",
    "sales.loc[sales.revenue.idxmax(), 'month']",
    "1 / 0",
    "!ls *.csv",
)
# The SVG is to need nothing from the network.
FONTS: Final = re.compile(r"@font-face \{\{.*?\}\}\s*|<!-- Generated.*?-->", re.DOTALL)
COLOURS: Final = {"brown": "yellow", "default": None}


def main() -> int:
    with TemporaryDirectory() as name, LocalAws() as aws:
        folder = Path(name)
        app = App(outdir=str(folder / "cdk.out"), builtin_cloud_formation_validation=False)
        CodeInterpreterStack(app, "CodeInterpreter", settings=Settings())
        app.synth()
        aws.deploy(folder / "cdk.out")
        work = folder / "work"
        work.mkdir()
        (work / "sales.csv").write_text(SALES)
        raw = use_shell(aws, work)
        if CHROMIUM is None:
            print("notebook.png stays as it is: there is no chromium on the PATH")  # noqa: T201 - a program for a terminal
        else:
            (folder / "lab").mkdir()
            draw_notebook(aws.environment(), folder / "lab", NOTEBOOK)
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.Stream(screen).feed(raw)
    PICTURE.write_text(svg(screen))
    return 0


def use_shell(aws: LocalAws, folder: Path) -> str:
    """Return all that the terminal receives while a person types."""
    command = Path(sys.executable).with_name("code-interpreter")
    with Terminal(
        str(command), "shell", environment=aws.environment(), folder=folder, size=(ROWS, COLUMNS)
    ) as terminal:
        for line in LINES:
            terminal.expect(PROMPT)
            terminal.enter(line)
        terminal.expect(PROMPT)
        return terminal.raw


def svg(screen: pyte.Screen) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for row in range(screen.cursor.y + 1):
        line = Text()
        cells = [screen.buffer[row][column] for column in range(COLUMNS)]
        for style, run in itertools.groupby(cells, key=style_of):
            line.append("".join(cell.data for cell in run), style=style)
        line.rstrip()
        console.print(line)
    return console.export_svg(
        title="code-interpreter shell",
        theme=DIMMED_MONOKAI,
        code_format=FONTS.sub("", CONSOLE_SVG_FORMAT),
    )


def style_of(cell: pyte.screens.Char) -> Style:
    colour = COLOURS.get(cell.fg, cell.fg)
    if colour and re.fullmatch(r"[0-9a-f]{6}", colour):
        colour = f"#{colour}"
    if colour and colour.startswith("bright"):
        colour = f"bright_{colour.removeprefix('bright')}"
    return Style(color=colour, bold=cell.bold, underline=cell.underscore, reverse=cell.reverse)


if __name__ == "__main__":
    sys.exit(main())
