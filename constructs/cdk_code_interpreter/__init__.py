"""AWS CDK constructs for Amazon Bedrock AgentCore Code Interpreter.

Import everything from here, and the limits that the constructs check from
`cdk_code_interpreter.limits`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._private.availability_zones import SUPPORTED_ZONE_IDS
from .code_interpreter import CodeInterpreter
from .control_function import ControlFunction
from .execution_role import ExecutionRole
from .filesystem import Filesystem
from .function_settings import FunctionSettings, LogSettings
from .invoke_function import InvokeFunction
from .network import Network, NetworkConfig
from .sandbox_vpc import SandboxVpc
from .sealed_network import SealedNetwork
from .service_logs import ServiceLog
from .workspace import Workspace

if TYPE_CHECKING:
    from .command_task import CommandTask
    from .monitoring import Monitoring
else:
    # Few apps use these. With them, every synthesis would load the modules of CloudWatch and of
    # Step Functions, which takes 0.1 s of CPU.
    _LATE_MODULES = {"CommandTask": "command_task", "Monitoring": "monitoring"}

    # Type checkers would take it for a promise that the package has every name.
    def __getattr__(name: str) -> type:
        """Import a construct that few apps use, with its first use."""
        if name not in _LATE_MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        construct = getattr(import_module(f"{__name__}.{_LATE_MODULES[name]}"), name)
        construct.__module__ = __name__
        globals()[name] = construct
        return construct


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


def __dir__() -> list[str]:
    """Return the package's names, with those that are not imported yet."""
    return sorted({*globals(), *__all__})


# Error messages and documentation name a class by the path from which users import it.
for _name in __all__:
    if isinstance(globals().get(_name), type):
        globals()[_name].__module__ = __name__
