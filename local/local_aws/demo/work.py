"""The steps of the demo: a user's few lines with the client, which the demo shows as they are."""

from __future__ import annotations

import inspect
import textwrap
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from code_interpreter_client import CodeFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from code_interpreter_client import Session

PROGRAMS = Path(__file__).with_name("programs")


class DemoError(Exception):
    """A step of the demo failed."""


class Step(NamedTuple):
    """One step: work in a session, and texts that its output must have.

    The work is a function of the session, a folder with the demo's programs and a folder for files
    that it makes.
    """

    name: str
    work: Callable[[Session, Path, Path], None]
    expected: tuple[str, ...]

    @property
    def code(self) -> str:
        """The lines of the work, as the demo shows them."""
        lines = inspect.getsource(self.work).splitlines()
        return textwrap.dedent("\n".join(lines[1:]))

    @property
    def program(self) -> str | None:
        """The name of the program that the work reads, if it reads one."""
        names = [path.name for path in PROGRAMS.iterdir() if f'"{path.name}"' in self.code]
        return names[0] if names else None


def analyse(session: Session, programs: Path, output: Path) -> None:
    result = session.run((programs / "analysis.py").read_text())
    print(result.stdout)


def draw(session: Session, programs: Path, output: Path) -> None:
    result = session.run((programs / "dashboard.py").read_text(), output_filename="dashboard.png")
    print(result.stdout)
    print("downloaded", session.download("dashboard.png", output))


def train(session: Session, programs: Path, output: Path) -> None:
    print(session.run((programs / "iris.py").read_text()).stdout)


def query(session: Session, programs: Path, output: Path) -> None:
    print(session.run((programs / "customers.py").read_text()).results[0])


def share(session: Session, programs: Path, output: Path) -> None:
    # df is the table of step 1: variables last.
    session.run("monthly = df.groupby(df['date'].dt.strftime('%Y-%m'))['profit'].sum().round(2)")
    changed = session.run("monthly.to_csv('monthly.csv')").files_changed
    print(changed.created, "\n" + session.read("monthly.csv").decode())


def upload(session: Session, programs: Path, output: Path) -> None:
    with zipfile.ZipFile(output / "survey.zip", "w") as archive:
        scores = "\n".join(f"{number},{number % 5 + 1}" for number in range(50))
        archive.writestr("responses.csv", "respondent,score\n" + scores)
    session.upload(output / "survey.zip")
    print(session.run((programs / "survey.py").read_text()).stdout)


def save(session: Session, programs: Path, output: Path) -> None:
    print(session.command("python --version && pip list | sed -n 1,5p").stdout)
    session.push()
    for file in session.ls():
        print(f"{file.size:>10,}  {file.path}")


def fail(session: Session, programs: Path, output: Path) -> None:
    try:
        session.run("print('about to divide')\nratio = 1 / 0")
    except CodeFailed as error:
        print(error)
        print(error.result.stdout)
    print(session.run("len(df)").results[0], "rows are still in memory")


STEPS = (
    Step("Analyze data with pandas", analyse, ("Profit margin",)),
    Step("Draw a dashboard with matplotlib", draw, ("100 days: profit of $", "dashboard.png")),
    Step("Train a model with scikit-learn", train, ("accuracy",)),
    Step("Query data with SQL and DuckDB", query, ("Customer_19",)),
    Step("Share variables and a file between requests", share, ("2026-01,",)),
    Step("Upload a ZIP file and read it in the sandbox", upload, ("50 responses",)),
    Step(
        "Run a shell command and save the sandbox's files",
        save,
        ("Python 3", "code-interpreter/monthly.csv", "uploads/survey.zip"),
    ),
    Step(
        "Run a failing program and go on in its session",
        fail,
        ("ZeroDivisionError", "100 rows are still in memory"),
    ),
)


def check(condition: bool, message: str) -> None:
    """Raise DemoError with the message unless the condition holds."""
    if not condition:
        raise DemoError(message)
