"""A local AWS: MiniStack and an AgentCore Code Interpreter emulator on one loopback port.

with LocalAws() as aws:
    aws.client("lambda").invoke(FunctionName=..., Payload=...)
"""

from local_aws.assembly import DeploymentError
from local_aws.local_aws import LocalAws, LocalAwsError

__all__ = ["DeploymentError", "LocalAws", "LocalAwsError"]
