"""Completions and descriptions of names in the sandbox, by one short request each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import CodeInterpreterError

if TYPE_CHECKING:
    from ..session import Session

Bundle = dict[str, Any]

# Sent as text and never imported: it runs in the sandbox.
SOURCE: Final = Path(__file__).with_name("introspection_program.py").read_text(encoding="utf-8")
# Seconds for which somebody waits at the keyboard.
TIMEOUT: Final = 3


class Introspection:
    """Asks the kernel in the sandbox about names. A request that fails or takes long knows none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._has_restarted = False

    def complete(self, code: str, cursor: int) -> tuple[list[str], int, int]:
        """Return the completions at the cursor, and the ends of the text that they replace."""
        reply = self._ask("complete", code=code, cursor=cursor)
        return reply.get("matches", []), reply.get("start", cursor), reply.get("end", cursor)

    def inspect(self, code: str, cursor: int, detail: int) -> Bundle:
        """Return the description of the name at the cursor as a mime bundle; empty if unknown."""
        return self._ask("inspect", code=code, cursor=cursor, detail=detail)

    def take_restarted(self) -> bool:
        """Return, once, whether a request was the first to meet a new sandbox."""
        has_restarted, self._has_restarted = self._has_restarted, False
        return has_restarted

    def _ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        variables = {
            "__name__": "code_interpreter_introspection",
            "action": action,
            "arguments": arguments,
        }
        code = f"exec(compile({SOURCE!r}, '<code-interpreter>', 'exec'), {variables!r})"
        try:
            result = self._session.run(code, timeout=TIMEOUT, check=False)
            self._has_restarted |= result.session_restarted
            reply: dict[str, Any] = json.loads(result.stdout)
        except (CodeInterpreterError, ValueError):
            return {}
        return reply
