"""A program that runs in the sandbox's kernel: completions and descriptions of names there.

It is sent as text and leaves no trace: no name, no number, no history.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MATCHES = 500


def complete(shell: Any, code: str, cursor: int) -> dict[str, Any]:
    """Return the completions at the cursor, and the text that they replace."""
    from IPython.core.completer import provisionalcompleter

    completer = shell.Completer
    # jedi reads the source of modules, which takes seconds the first time. The names are here.
    uses_jedi, completer.use_jedi = completer.use_jedi, False
    try:
        with provisionalcompleter():
            found = list(completer.completions(code, cursor))
    finally:
        completer.use_jedi = uses_jedi
    if not found:
        return {"matches": [], "start": cursor, "end": cursor}
    start, end = found[0].start, found[0].end
    texts = [item.text for item in found if (item.start, item.end) == (start, end)][:MATCHES]
    if all(text.startswith(".") for text in texts):  # an attribute has its dot
        start, texts = start + 1, [text[1:] for text in texts]
    return {"matches": texts, "start": start, "end": end}


def inspect(shell: Any, code: str, cursor: int, detail: int) -> dict[str, Any]:
    """Return the description of the name at the cursor as a mime bundle."""
    from IPython.utils.tokenutil import token_at_cursor

    name = token_at_cursor(code, cursor)
    try:
        bundle: dict[str, Any] = shell.object_inspect_mime(name, detail_level=detail)
    except KeyError:
        return {}
    return bundle


def forget_this_program(shell: Any) -> None:
    """Let the next program have this one's number."""
    shell.execution_count -= 1
    history = shell.history_manager
    history.input_hist_parsed.pop()
    history.input_hist_raw.pop()
    history._i00, history._i, history._ii = history._i, history._ii, history._iii
    shell.user_ns.pop(f"_i{shell.execution_count}", None)
    shell.user_ns.update(_i=history._i, _ii=history._ii)


if __name__ == "code_interpreter_introspection":
    given = globals()  # the client adds the action and its arguments
    shell = sys.modules["IPython"].get_ipython()
    result = given[given["action"]](shell, **given["arguments"])
    sys.stdout.write(json.dumps(result, default=str))
    forget_this_program(shell)
