"""Start a handler, let it handle one request, and print the CPU seconds of the process.

The argument is the handler's module.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

from context import Context

handler = import_module(sys.argv[1]).handler
started = time.process_time()
CODE = "with open('result.txt', 'w') as file: file.write('x' * 1024)"
event = {"tool": "execute_code", "code": CODE, "output_filename": "result.txt"}
response = handler(event, Context())
assert response["status"] == "ok", response
print(json.dumps({"start": started, "total": time.process_time()}))
