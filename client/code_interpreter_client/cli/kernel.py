"""The command `kernel install`: a kernel for Jupyter whose cells run in the sandbox."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from .failures import UsageError
from .output import note
from .target import OPTIONS, Target, takes_target

NAME: Final = "code-interpreter"
DISPLAY_NAME: Final = "Code interpreter"
# The variables that boto3 reads; the other options have their own.
AWS_VARIABLES: Final = {"region": "AWS_DEFAULT_REGION", "profile": "AWS_PROFILE"}


@takes_target
def install(
    target: Target,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The kernel's name, by which Jupyter knows it.")
    ] = NAME,
    display_name: Annotated[
        str, typer.Option(metavar="TEXT", help="The kernel's name in menus.")
    ] = DISPLAY_NAME,
    sys_prefix: Annotated[
        bool, typer.Option("--sys-prefix", help="Install it in this Python environment alone.")
    ] = False,
    prefix: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Install it in another environment.", show_default=False
        ),
    ] = None,
    user: Annotated[
        bool, typer.Option("--user", help="Install it for you alone, which is the default.")
    ] = False,
) -> int:
    """Install a kernel whose cells run in the sandbox. Options for the target are kept with it."""
    if user + sys_prefix + (prefix is not None) > 1:
        raise UsageError("give one of --user, --sys-prefix and --prefix")
    specs = spec_manager()
    with tempfile.TemporaryDirectory() as folder:
        spec = json.dumps(kernel_spec(display_name, target), indent=2)
        Path(folder, "kernel.json").write_text(spec, encoding="utf-8")
        chosen = sys.prefix if sys_prefix else prefix
        written = specs.install_kernel_spec(folder, name, user=chosen is None, prefix=chosen)
    note(f"wrote {written}; choose {display_name} as the kernel of a notebook")
    return 0


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Install a kernel for JupyterLab, VS Code and others.")
    # A group with a single command would take its name for an argument.
    group.callback()(lambda: None)
    group.command()(install)
    app.add_typer(group, name="kernel")


def kernel_spec(display_name: str, target: Target) -> dict[str, Any]:
    """Return the content of `kernel.json`, from which Jupyter starts the kernel."""
    return {
        "argv": [sys.executable, "-m", "code_interpreter_client.kernel", "-f", "{connection_file}"],
        "display_name": display_name,
        "language": "python",
        # The programs run elsewhere, where a signal to the kernel's process does not reach them.
        "interrupt_mode": "message",
        "env": environment_of(target),
        "metadata": {"debugger": False},
    }


def environment_of(target: Target) -> dict[str, str]:
    """Return the environment variables that stand for a target."""
    values = {variable: getattr(target, option) for option, variable in variables().items()}
    return {variable: value for variable, value in values.items() if value is not None}


def target_of(environment: Mapping[str, str]) -> Target:
    """Return the target that environment variables stand for."""
    own = {option: variable for option, (_, variable) in OPTIONS.items() if variable}
    return Target(**{option: environment.get(variable) for option, variable in own.items()})


def variables() -> dict[str, str]:
    return {option: variable or AWS_VARIABLES[option] for option, (_, variable) in OPTIONS.items()}


def spec_manager() -> Any:
    """Return Jupyter's manager of kernels.

    :raises UsageError: if the kernel could not start
    """
    try:
        import ipykernel  # noqa: F401 - the kernel needs it
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        raise UsageError(
            "a kernel needs more packages: pip install 'path/to/checkout/client[jupyter]'"
        ) from None
    return KernelSpecManager()
