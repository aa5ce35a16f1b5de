"""Save many files of 10 MB from a sandbox, and print the peak of the process's memory in bytes.

The arguments are the handler, `function` or `naive`, and the number of files.
"""

from __future__ import annotations

import json
import resource
import sys

from context import Context

COUNT = int(sys.argv[2])
CODE = f"""
import os
os.makedirs('files', exist_ok=True)
for number in range({COUNT}):
    with open(f'files/{{number}}.bin', 'wb') as file:
        file.write(bytes([255, number % 256]) * 5_000_000)
"""

if sys.argv[1] == "function":
    from code_interpreter_invoke.handler import handler

    def ask(**event: object) -> None:
        response = handler({"session": "memory", **event}, Context())
        assert response["status"] == "ok", response

    ask(tool="execute_code", code=CODE)
    ask(tool="ci_push_to_workspace", paths=["files"])
    ask(tool="stop_session")
else:
    import naive

    session = naive.start()
    naive.invoke(session, "executeCode", language="python", code=CODE)
    for number in range(COUNT):
        naive.save(session, f"files/{number}.bin")
    naive.stop(session)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(peak * (1 if sys.platform == "darwin" else 1024)))
