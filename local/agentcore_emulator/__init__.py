"""A local emulator of Amazon Bedrock AgentCore Code Interpreter, faithful on the wire.

Any AWS SDK works against it unchanged: the seven control operations and the five data
operations are routed, checked and serialised by botocore's own service models, and code really
runs, in a sandbox for each session. It is a development tool, not a security boundary.

    python -m agentcore_emulator --port 8080

Imports point one way: `http` (the wire) -> `service` (the rules) -> `sandbox` (the execution).
All use `model` (the API's shapes and errors); `instance_metadata` has the credentials of execution
roles, and `testing` has the faults that tests inject.
"""
