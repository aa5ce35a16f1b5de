"""The clients of the services: the only code that knows botocore's classes and errors.

Every failure leaves this package as one of the function's own errors, which say whether anything
ran and whether it is safe to send the request again.
"""

from .botocore_clients import Clients, connect, connect_ssm, open_connections
from .bucket import Bucket, ListedObject, ObjectPage, PreconditionFailedError, StoredObject
from .code_interpreter import CodeInterpreterClient, StartedSession
from .current_id import CurrentId

__all__ = [
    "Bucket",
    "Clients",
    "CodeInterpreterClient",
    "CurrentId",
    "ListedObject",
    "ObjectPage",
    "PreconditionFailedError",
    "StartedSession",
    "StoredObject",
    "connect",
    "connect_ssm",
    "open_connections",
]
