"""AWS CDK constructs for Amazon Bedrock AgentCore Code Interpreter.

Import everything from here, and the limits that the constructs check from
`cdk_code_interpreter.limits`.
"""

from ._private.availability_zones import SUPPORTED_ZONE_IDS
from .code_interpreter import CodeInterpreter
from .command_task import CommandTask
from .control_function import ControlFunction
from .execution_role import ExecutionRole
from .filesystem import Filesystem
from .function_settings import FunctionSettings, LogSettings
from .invoke_function import InvokeFunction
from .monitoring import Monitoring
from .network import Network, NetworkConfig
from .sandbox_vpc import SandboxVpc
from .sealed_network import SealedNetwork
from .service_logs import ServiceLog
from .workspace import Workspace

__all__ = [
    "SUPPORTED_ZONE_IDS",
    "CodeInterpreter",
    "CommandTask",
    "ControlFunction",
    "ExecutionRole",
    "Filesystem",
    "FunctionSettings",
    "InvokeFunction",
    "LogSettings",
    "Monitoring",
    "Network",
    "NetworkConfig",
    "SandboxVpc",
    "SealedNetwork",
    "ServiceLog",
    "Workspace",
]

# Error messages and documentation name a class by the path from which users import it.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
