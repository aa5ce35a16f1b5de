"""The command `code-interpreter`: its options, its commands, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from inspect import Parameter
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from . import agents, doctor, files, kernel, programs, sessions, shell
from .failures import BROKEN_PIPE, NOT_DONE, USAGE, UsageError, sentence
from .output import OutputClosed, fail, write
from .target import CONTEXT, Target, parameters, with_parameters

EPILOG: Final = (
    "Exit codes: run, exec and sh have that of the program. 124: it exceeded its time. 125: it "
    "could not be run, or its result was lost. 130: Ctrl-C. 141: the reader of the output has "
    "ended. 2: the command line is wrong."
)
DISTRIBUTION: Final = "cdk-code-interpreter-client"
# Each registers its commands.
GROUPS: Final = (programs, shell, files, sessions, kernel, agents, doctor)


VERSION: Final = Parameter(
    "version",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--version", help="Show the version, and exit.")],
)


def options(context: typer.Context, *, version: bool, **given: Any) -> None:
    """Run code in a sandbox of Amazon Bedrock AgentCore, and move files to and from it."""
    if version:
        from importlib import metadata

        write(sys.stdout, f"{DISTRIBUTION} {metadata.version(DISTRIBUTION)}\n")
        raise typer.Exit
    context.obj = Target(**given)
    if context.invoked_subcommand is None:
        write(sys.stdout, context.get_help())


with_parameters(options, [CONTEXT, VERSION, *parameters(variables=True)])

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is ready sooner
)
app.callback(invoke_without_command=True, epilog=EPILOG)(options)
for group in GROUPS:
    group.register(app)
COMMAND: Final = get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code. No error has a traceback."""
    try:
        return run(arguments)
    except OutputClosed:
        return BROKEN_PIPE


def run(arguments: Sequence[str] | None) -> int:
    """Run a command, and return its exit code.

    :raises OutputClosed: if nobody reads its output any more
    """
    try:
        code: int | None = COMMAND.main(
            arguments, prog_name="code-interpreter", standalone_mode=False
        )
    except OutputClosed:
        raise
    except typer.TyperException as error:
        fail(f"{error.format_message()} (code-interpreter --help)")
        return USAGE
    except UsageError as error:
        fail(sentence(error))
        return USAGE
    except Exception as error:
        fail(sentence(error))
        return NOT_DONE
    return code or 0


if __name__ == "__main__":
    sys.exit(main())
