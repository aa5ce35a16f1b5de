"""A local emulator of Amazon Bedrock AgentCore Code Interpreter, faithful on the wire.

Any AWS SDK works against it unchanged: the seven control operations and the five data
operations are routed, checked and answered from botocore's own service models, and code really
runs, in a sandbox per session. It is a development tool, not a security boundary.

    python -m agentcore_emulator --port 8080

Modules point one way: `app` (HTTP) -> `control`, `data` (the service's rules) -> `sandbox`.
"""
