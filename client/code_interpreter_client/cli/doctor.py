"""The command `doctor`: find out why nothing works, from the credentials to a file's bytes."""

from __future__ import annotations

import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from ..errors import CodeInterpreterError, FunctionUnavailable, InvalidRequest, TransferFailed
from .failures import sentence
from .output import has_colours, write
from .target import STACK, Target, takes_target

if TYPE_CHECKING:
    from ..code_interpreter import CodeInterpreter

FAILED: Final = 1
OUTPUT: Final = "it works"
# The checks in their order, each with what to do if it fails for a reason that the function names.
CHECKS: Final = {
    "credentials": "set up credentials and a region",
    "function": "name the stack or the function",
    "permission": "look into the log of the function",
    "program": "check the role of the function, and the code interpreter",
    "workspace": "check what the role of the function may do with the bucket, and the bucket's "
    "policy",
}


@takes_target
def doctor(target: Target) -> int:
    """Check that everything works, and say what to do if it does not.

    It checks the credentials, the function, the permissions, a program and the workspace.
    """
    checks = Checks(target)
    for name in CHECKS:
        try:
            report(name, getattr(checks, name)(), passed=True)
        except Exception as error:
            report(name, f"{sentence(error)}{advice(name, error)}", passed=False)
            return FAILED
    return 0


def register(app: typer.Typer) -> None:
    app.command()(doctor)


class Checks:
    """The checks, each of which needs those before it. They return what is right."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._interpreter: CodeInterpreter

    def credentials(self) -> str:
        """Find credentials and a region."""
        from ..stack import boto3_session

        session = boto3_session(self._target.profile, self._target.region)
        credentials = session.get_credentials()
        if credentials is None:
            raise FunctionUnavailable(
                "no credentials were found; set them up, for instance with aws configure, or name "
                "a profile with --profile",
                "no_credentials",
            )
        if session.region_name is None:
            raise FunctionUnavailable(
                "no region was found; set AWS_REGION, or give --region", "no_region"
            )
        key = credentials.get_frozen_credentials().access_key
        return f"the access key ...{key[-4:]} in {session.region_name}"

    def function(self) -> str:
        """Find the function, if a stack names it."""
        self._interpreter = self._target.interpreter(retry_seconds=0)
        name = self._interpreter.function.name
        if self._target.function is not None:
            return name
        return f"{name} of the stack {self._target.stack or STACK}"

    def permission(self) -> str:
        """Send a request that runs nothing."""
        tools = self._interpreter.describe_tools()
        return f"the function may be invoked, and has {len(tools)} tools for a language model"

    def program(self) -> str:
        """Run a program in a sandbox of its own, without the workspace."""
        response = self._interpreter.request("execute_code", code=f"print({OUTPUT!r})")
        if response["stdout"].strip() != OUTPUT:
            raise CodeInterpreterError(
                f"a program printed {response['stdout']!r} in the place of {OUTPUT!r}"
            )
        return "a program ran in a sandbox"

    def workspace(self) -> str:
        """Move a file to the workspace, list it, and read it."""
        with self._interpreter.session() as session, tempfile.TemporaryDirectory() as folder:
            session.interrupt("code-interpreter doctor")  # the tool that came last
            file = Path(folder, "doctor.txt")
            file.write_text(OUTPUT)
            path = session.upload(file)
            listed = [found.path for found in session.ls()]
            if path not in listed or session.load(path) != OUTPUT.encode():
                raise CodeInterpreterError(f"{path} is not in the workspace after its upload")
            with suppress(CodeInterpreterError):  # a deployment may refuse to delete files
                session.delete(path)
        return "a file was uploaded, listed and downloaded"


def advice(name: str, error: Exception) -> str:
    """Return what to do, if the error does not say it."""
    match error:
        case FunctionUnavailable(problem="access_denied") if name == "function":
            return ", or name the function with --function, which needs no permission on a stack"
        case FunctionUnavailable():
            return ""
        case TransferFailed():
            return ", or the role of the function may not do it"
        case InvalidRequest():
            return "; the function is older than this client, so deploy it anew"
        case _:
            return f"; {CHECKS[name]}"


def report(name: str, text: str, *, passed: bool) -> None:
    """Print the line of a check."""
    state = "ok    " if passed else "failed"
    if has_colours(sys.stdout):
        state = f"\033[1;{32 if passed else 31}m{state}\033[0m"
    write(sys.stdout, f"{state}  {name:<11}  {text}")
