"""The options that name the deployed function and the session, before a command or after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..errors import (
    CodeInterpreterError,
    FunctionUnavailable,
    InvalidRequest,
    OutcomeUnknown,
)
from ..session_names import check_session_name
from .failures import UsageError
from .output import note, show_json, warn

if TYPE_CHECKING:
    from ..code_interpreter import CodeInterpreter
    from ..session import Session

STACK: Final = "CodeInterpreter"
# Seconds for which a request is sent again that has not begun: somebody waits at the terminal.
RETRY_SECONDS: Final = 20.0
# Each option, with its help and its environment variable. boto3 reads its own variables.
OPTIONS: Final[Mapping[str, tuple[str, str | None]]] = {
    "stack": (
        f"The deployed stack, in which the function is found. Default: {STACK}.",
        "CODE_INTERPRETER_STACK",
    ),
    "function": (
        "The function's name or ARN, in the place of the stack.",
        "CODE_INTERPRETER_FUNCTION",
    ),
    "session": (
        "The session's name. Commands with the same name share variables and files.",
        "CODE_INTERPRETER_SESSION",
    ),
    "region": ("The AWS region.", None),
    "profile": ("The profile of the AWS configuration.", None),
}
CONTEXT: Final = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)


@dataclass(frozen=True)
class Target:
    """The deployed function and the session that a command uses."""

    stack: str | None = None
    function: str | None = None
    session: str | None = None
    region: str | None = None
    profile: str | None = None

    def interpreter(self, *, retry_seconds: float = RETRY_SECONDS) -> CodeInterpreter:
        """Return the deployed code interpreter.

        :raises FunctionUnavailable: if it cannot be found
        """
        from ..code_interpreter import CodeInterpreter
        from ..stack import boto3_session

        session = boto3_session(self.profile, self.region)
        if self.function is not None:
            return CodeInterpreter.from_function(
                self.function, boto3_session=session, retry_seconds=retry_seconds
            )
        return CodeInterpreter.from_stack(
            self.stack or STACK, boto3_session=session, retry_seconds=retry_seconds
        )

    def check(self) -> None:
        """Check the session's name.

        :raises UsageError: if it is not allowed
        """
        if self.session is None:
            return
        try:
            check_session_name(self.session)
        except InvalidRequest as error:
            raise UsageError(
                f"{error.message}; change --session, or CODE_INTERPRETER_SESSION"
            ) from None

    def session_of_program(self, key: str | None) -> AbstractContextManager[Session]:
        """Return the named session, or a new one for one program, which is stopped in the end.

        :param key: The key of an earlier request, which is known to its session alone.
        :raises UsageError: if there is a key, and no session
        """
        from ..session import TemporarySession

        if key is not None and self.session is None:
            raise UsageError(
                "--key needs the session of the earlier request, because another one would run "
                "the program again: give --session NAME"
            )
        interpreter = self.interpreter()
        if self.session is not None:
            return self._stopped_at_exit(interpreter.session(self.session))
        return self._stopped_at_exit(TemporarySession(interpreter.function))

    def any_session(self) -> AbstractContextManager[Session]:
        """Return the named session, or a new one, which is stopped in the end."""
        return self._stopped_at_exit(self.interpreter().session(self.session))

    @contextmanager
    def _stopped_at_exit(self, session: Session) -> Iterator[Session]:
        """Yield a session, and stop it in the end unless it is the named one."""
        try:
            yield session
        except OutcomeUnknown:
            self._stop(session)
            if self.session is None:
                note(f"the key belongs to the session {session.name}: give --session, too")
            raise
        except FunctionUnavailable:
            raise  # there is nothing to stop
        except BaseException:
            self._stop(session)
            raise
        else:
            self._stop(session)

    def _stop(self, session: Session) -> None:
        if self.session is not None:
            return
        try:
            session.stop()
        except CodeInterpreterError as error:
            # The result stands in any case.
            warn(f"the sandbox was not stopped, and ends by itself: {error.message}")

    def named_session(self) -> Session:
        """Return the named session.

        :raises UsageError: if it has no name
        """
        if self.session is None:
            raise UsageError(
                "this command needs a session: give --session NAME, or set CODE_INTERPRETER_SESSION"
            )
        return self.interpreter().session(self.session)


def parameters(*, variables: bool) -> list[Parameter]:
    """Return the options as parameters of a command.

    :param variables: Whether environment variables give their values, too.
    """
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(
                    f"--{name}",
                    metavar="NAME",
                    help=text,
                    envvar=variable if variables else None,
                    show_default=False,
                ),
            ],
        )
        for name, (text, variable) in OPTIONS.items()
    ]


def takes_target(function: Callable[..., int]) -> Callable[..., int]:
    """Return a command whose first argument is the target, from the options on its line."""
    _, *own = signature(function, eval_str=True).parameters.values()

    def command(context: typer.Context, **arguments: Any) -> int:
        given = {name: arguments.pop(name) for name in OPTIONS}
        target = replace(
            context.obj, **{name: value for name, value in given.items() if value is not None}
        )
        target.check()
        try:
            return function(target, **arguments)
        except CodeInterpreterError as error:
            if arguments.get("as_json") and error.response:
                show_json(error.response)
            raise

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    with_parameters(command, [CONTEXT, *own, *parameters(variables=False)])
    return command


def with_parameters(function: Callable[..., Any], given: Sequence[Parameter]) -> None:
    """Let typer see other parameters of a function than it has."""
    keywords = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in given]
    function.__signature__ = Signature(keywords)  # type: ignore[attr-defined] # PEP 362 has it
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
