"""A deployed code interpreter, found by its stack or by its function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .connections import lambda_client
from .errors import error_from
from .function import RETRY_SECONDS, Function, Response, new_key
from .results import Result
from .session import Language, Session, SessionOptions, TemporarySession
from .session_names import new_session_name
from .stack import boto3_session as new_boto3_session
from .stack import function_of_stack


@dataclass(frozen=True)
class SandboxSummary:
    """A sandbox that the function has started.

    Functions of earlier versions list the sandboxes of others, too, whose `session` can be None.
    """

    session: str | None
    session_id: str
    session_status: str
    created_at: str


class CodeInterpreter:
    """A deployed code interpreter.

        with CodeInterpreter.from_stack("CodeInterpreter").session("sales-q3") as session:
            print(session.run("print(6 * 7)").stdout)

    It is safe to use from several threads.
    """

    def __init__(self, function: Function) -> None:
        self.function = function

    @classmethod
    def from_stack(
        cls,
        name: str = "CodeInterpreter",
        *,
        boto3_session: Any = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> CodeInterpreter:
        """Find the function by its stack, which needs `cloudformation:DescribeStacks`.

        :param name: The stack's name.
        :param boto3_session: Credentials and region. Default: those of the environment.
        :param retry_seconds: For how long a request is sent again of which nothing ran.
        :raises FunctionUnavailable: if there is no such stack, or no function in it
        """
        session = boto3_session or new_boto3_session()
        return cls.from_function(
            function_of_stack(name, session), boto3_session=session, retry_seconds=retry_seconds
        )

    @classmethod
    def from_function(
        cls, name: str, *, boto3_session: Any = None, retry_seconds: float = RETRY_SECONDS
    ) -> CodeInterpreter:
        """Use a function by its name or ARN, which needs `lambda:InvokeFunction` on it alone.

        Nothing is sent before the first request.

        :param boto3_session: Credentials and region. Default: those of the environment.
        :param retry_seconds: For how long a request is sent again of which nothing ran.
        """
        client = lambda_client(boto3_session or new_boto3_session())
        return cls(Function(name, client, retry_seconds=retry_seconds))

    def session(
        self,
        name: str | None = None,
        *,
        timeout: int | None = None,
        setup: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Session:
        """Return a session; nothing is started before its first request.

        :param name: 1 to 64 letters, digits, `_` and `-`. Default: a new name; `with` then stops
            the session at its end.
        :param timeout: The life of a sandbox from its start, in seconds, 1 to 28,800.
        :param setup: A shell command that prepares each sandbox, such as `pip install duckdb`.
        :param env: Environment variables for Python and for commands; no place for secrets.
        :raises InvalidRequest: if the name is not allowed
        """
        has_options = (timeout, setup, env) != (None, None, None)
        return Session(
            self.function,
            new_session_name() if name is None else name,
            options=SessionOptions(timeout, setup, env) if has_options else None,
            stop_at_exit=name is None,
        )

    def run(
        self,
        code: str,
        *,
        language: Language = "python",
        timeout: int | None = None,
        check: bool = True,
    ) -> Result:
        """Run a program in a sandbox of its own, which is stopped afterwards.

        The parameters and errors are those of `Session.run`.
        """
        with TemporarySession(self.function) as session:
            return session.run(code, language=language, timeout=timeout, check=check)

    def sandboxes(self, status: str | None = "READY") -> Iterator[SandboxSummary]:
        """Return the sandboxes that the function has started.

        :param status: READY, TERMINATED, or None for all.
        """
        token: str | None = None
        while True:
            page = self.request("list_sessions", status=status, next_token=token)
            for sandbox in page["sessions"]:
                yield SandboxSummary(
                    sandbox["session"],
                    sandbox["session_id"],
                    sandbox["session_status"],
                    sandbox["created_at"],
                )
            token = page.get("next_token")
            if token is None:
                return

    def describe_tools(self) -> list[dict[str, Any]]:
        """Return the tools for a language model, as Bedrock's Converse API takes them."""
        tools: list[dict[str, Any]] = self.request("describe_tools")["tools"]
        return tools

    def request(self, tool: str, **arguments: Any) -> Response:
        """Use a tool that needs no session, and return the response.

        :raises CodeInterpreterError: if the response is an error
        """
        key = new_key() if tool in ("execute_code", "execute_command") else None
        response = self.function.request(tool, arguments, key=key)
        if "error" in response:
            raise error_from(response, Result.from_response(response, key, no_workspace))
        return response


def no_workspace(path: str) -> bytes:
    raise FileNotFoundError(f"{path} is in the workspace of a session, and this request had none")
