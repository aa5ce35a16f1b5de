"""The invoke function: one Lambda function through which callers use a code interpreter.

Each layer knows only the layers below it:

    handler        Lambda's entry point
    application    event -> response, and one log line
    idempotency    one response for each key
    requests       the request of each kind of caller, and the limits of its response
    tools          what each request does
    sessions       which sandbox belongs to a session
    files          between the workspace bucket and a sandbox
    sandbox        one sandbox: operations, their results, and the program that runs inside it
    clients        AgentCore and S3; the only layer that knows botocore
"""
