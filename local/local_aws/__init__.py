"""Run a local AWS: MiniStack and an emulator of AgentCore Code Interpreter on one loopback port.

with LocalAws() as aws:
    outputs = aws.deploy(app.synth().directory)
    aws.client("lambda").invoke(FunctionName=outputs["MyStack"]["FunctionName"], Payload=...)
"""

from local_aws.assembly import DeploymentError
from local_aws.errors import LocalAwsError
from local_aws.local_aws import LocalAws

__all__ = ["DeploymentError", "LocalAws", "LocalAwsError"]
