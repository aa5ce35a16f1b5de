"""Print the CPU seconds of a request's parsing, checks, log line and response, without the rest.

The argument is the number of requests.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import cast

from code_interpreter_invoke.application import fit_to_caller, log
from code_interpreter_invoke.files.workspace import Workspace
from code_interpreter_invoke.requests.direct import Direct
from code_interpreter_invoke.requests.limits import replace_surrogates
from code_interpreter_invoke.responses import Response
from code_interpreter_invoke.settings import Settings

RESPONSE: Response = {
    "status": "ok",
    "stdout": "x" * 200,
    "stderr": "",
    "exit_code": 0,
    "execution_time": 0.01,
    "session": "warm",
    "session_id": "01" * 13,
    "expires_at": "2026-11-26T00:00:00+00:00",
}
NOT_USED = cast(Workspace, None)  # the response fits


def respond(settings: Settings) -> None:
    caller = Direct({"tool": "execute_code", "session": "warm", "code": "pass"})
    request = caller.request()
    response = fit_to_caller(RESPONSE, caller, NOT_USED)
    fields = {"request_id": "id", "caller": caller.name, "tool": request.tool.name}
    log(fields, response, 0.01, settings)
    replace_surrogates(caller.render(response))


settings = Settings.from_environment()
logging.basicConfig(filename=os.devnull)
rounds = int(sys.argv[1])
respond(settings)
began = time.process_time()
for _ in range(rounds):
    respond(settings)
print(json.dumps((time.process_time() - began) / rounds))
