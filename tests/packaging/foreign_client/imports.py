"""Import the client, and print the packages that came with it."""

import sys

import code_interpreter_client

assert code_interpreter_client.CodeInterpreter
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
