"""AWS CDK constructs for Amazon Bedrock AgentCore Code Interpreter."""

from ._private.availability_zones import SUPPORTED_ZONE_IDS
from .code_interpreter import CodeInterpreter
from .command_task import CommandTask
from .control_function import ControlFunction
from .execution_role import ExecutionRole
from .filesystem import Filesystem
from .invoke_function import InvokeFunction
from .monitoring import Monitoring
from .network import Network
from .workspace import Workspace

__all__ = [
    "SUPPORTED_ZONE_IDS",
    "CodeInterpreter",
    "CommandTask",
    "ControlFunction",
    "ExecutionRole",
    "Filesystem",
    "InvokeFunction",
    "Monitoring",
    "Network",
    "Workspace",
]
