"""The invoke function: one Lambda function through which callers use a code interpreter.

Three layers whose imports point one way: `handler` (event in, answer out), the logic (pure rules
that take their clients as arguments), and `clients` (the only module that knows boto3).
"""
