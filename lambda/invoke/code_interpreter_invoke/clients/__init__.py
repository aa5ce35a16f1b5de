"""The clients of the two services: the only code that knows boto3's classes and errors.

Every failure leaves here as one of the errors of `errors`, so that the logic can say what it means
for the caller: did anything run, and is it safe to ask again.
"""

from .botocore_clients import Clients, connect
from .bucket import Bucket, ListedObject, ObjectPage, PreconditionFailedError, StoredObject
from .code_interpreter import CodeInterpreterClient, StartedSession

__all__ = [
    "Bucket",
    "Clients",
    "CodeInterpreterClient",
    "ListedObject",
    "ObjectPage",
    "PreconditionFailedError",
    "StartedSession",
    "StoredObject",
    "connect",
]
