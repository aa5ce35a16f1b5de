"""Checks of the types of arguments, in the words of CDK's own constructs.

CDK checks classes, numbers and texts with typeguard, which JSII requires, and leaves interfaces to
JSII, which fails later and names no argument. Here, interfaces are checked, too, and the message
says how to make a value of the expected type.
"""

from __future__ import annotations

import difflib
import inspect
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, wraps
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from aws_cdk import Stack

Function = TypeVar("Function", bound=Callable[..., Any])

# How to make a value of a type, by the name of the type.
_REMEDIES = {
    "Construct": "pass the stack or another construct of it, such as self",
    "Duration": "pass a duration, such as Duration.minutes(15)",
    "RemovalPolicy": "pass RemovalPolicy.DESTROY or RemovalPolicy.RETAIN",
    "RetentionDays": "pass a member of logs.RetentionDays, such as logs.RetentionDays.ONE_MONTH",
    "Tracing": "pass a member of lambda_.Tracing, such as lambda_.Tracing.ACTIVE",
    "Network": "pass Network.sandbox(), Network.public(), Network.vpc(...) or Network.sealed(...)",
    "NetworkConfig": "pass what Network.bind() returns",
    "Filesystem": "pass Filesystem.efs(...) or Filesystem.s3_files(...)",
    "SealedNetwork": 'pass SealedNetwork(network_stack, "Network")',
    "Workspace": 'pass Workspace(self, "Workspace"), which takes a bucket as bucket=',
    "CodeInterpreter": 'pass CodeInterpreter(self, "CodeInterpreter")',
    "ControlFunction": 'pass ControlFunction(self, "Control"), or leave it out',
    "InvokeFunction": "pass an InvokeFunction",
    "Function": "pass a lambda_.Function of this app",
    "Port": "pass a port, such as ec2.Port.tcp(5432)",
    "SubnetSelection": "pass ec2.SubnetSelection(...), which takes a list of subnets as subnets=",
    "CfnAgent": "pass the bedrock.CfnAgent, which an L2 agent has as its default child",
    "Connections": "pass the connections of the sandboxes",
    "IAccessPoint": "import one with efs.AccessPoint.from_access_point_attributes()",
    "IAlarmAction": "pass an SNS topic as cloudwatch_actions.SnsAction(topic)",
    "IBucket": "import one with s3.Bucket.from_bucket_name()",
    "ICodeInterpreterCustom": (
        "pass a CodeInterpreter, or import one with CodeInterpreter.from_id() or from_arn()"
    ),
    "IConnectable": "pass a security group, a database or ec2.Peer.ipv4(...)",
    "IDestination": "pass a destination, such as lambda_destinations.SqsDestination(queue)",
    "IGateway": (
        "pass an agentcore.Gateway, or import one with agentcore.Gateway.from_gateway_attributes()"
    ),
    "IGrantable": "pass a role, a user, a function or something else that has grant_principal",
    "IInterfaceVpcEndpointService": (
        "pass a service such as ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER"
    ),
    "IIpAddresses": 'pass ec2.IpAddresses.cidr("10.1.0.0/16")',
    "IKey": "import one with kms.Key.from_key_arn()",
    "ILogGroup": "import one with logs.LogGroup.from_log_group_name()",
    "IManagedPolicy": (
        "import one with iam.ManagedPolicy.from_aws_managed_policy_name() or "
        "from_managed_policy_arn()"
    ),
    "IRole": "import one with iam.Role.from_role_arn()",
    "ISecret": "import one with secretsmanager.Secret.from_secret_complete_arn()",
    "ISecurityGroup": "import one with ec2.SecurityGroup.from_security_group_id()",
    "IVpc": "import one with ec2.Vpc.from_lookup() or ec2.Vpc.from_vpc_attributes()",
    "int": "pass a whole number",
    "str": "pass text",
}


def check_arguments(function: Function) -> Function:
    """Check the types of the arguments before a constructor or another method does anything.

    As in CDK, None for an argument that can be left out means that it is left out.

    :raises TypeError: for the first argument that the method does not take, or whose type it does
        not take.
    """
    signature = inspect.signature(function)
    required = {
        name
        for name, parameter in signature.parameters.items()
        if parameter.default is parameter.empty
    }

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        kwargs = {
            name: value for name, value in kwargs.items() if value is not None or name in required
        }
        expected = _expected_types(function)
        _check_names(function, expected, kwargs)
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{_name(function)}: {error}; it takes {', '.join(expected)}") from None
        for name, value in {**given, **given.get("settings", {})}.items():
            if name in expected and (value is not None or name in required):
                _check(name, value, expected[name])
        return function(*args, **kwargs)

    return cast(Function, checked)


@cache
def _expected_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a function's arguments, as typeguard can check them."""
    hints = get_type_hints(function)
    hints.pop("return", None)
    settings = hints.pop("settings", None)
    if settings is not None:
        [typed_dict] = get_args(settings)  # those of Unpack[FunctionSettings]
        hints |= get_type_hints(typed_dict)
    return {name: _checkable(hint) for name, hint in hints.items()}


def _name(function: Callable[..., Any]) -> str:
    """Return the name by which users call a function."""
    return f"{function.__qualname__.removesuffix('.__init__')}()"


def _check_names(
    function: Callable[..., Any], allowed: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    for name in given:
        if name not in allowed:
            nearest = difflib.get_close_matches(name, allowed, n=1)
            suggestion = f" (did you mean {nearest[0]}?)" if nearest else ""
            raise TypeError(
                f"{_name(function)} takes no argument {name}{suggestion}; allowed: "
                f"{', '.join(allowed)}"
            )


def _check(name: str, value: Any, expected: Any) -> None:
    import typeguard  # with the first check, as JSII does it

    # Of the mappings, typeguard checks the items of dictionaries alone.
    items = dict(value) if isinstance(value, Mapping) else value
    try:
        typeguard.check_type(argname=f"argument {name}", value=items, expected_type=expected)
        if isinstance(value, str) and get_origin(expected) is Sequence:
            # Its letters are a sequence of texts, too.
            raise TypeError(f"type of argument {name} must be a sequence of texts; got str instead")
    except TypeError as error:
        raise TypeError(f"{error}{_describe(value)}; {_remedy(value, expected)}") from None
    if name == "scope":
        _check_scope(value)
    if name == "construct_id" and not value:
        raise ValueError("argument construct_id is '', but an id has 1 character or more; name it")


def _check_scope(scope: Any) -> None:
    try:
        Stack.of(scope)
    except RuntimeError:
        raise ValueError(
            f"argument scope is {type(scope).__name__} {scope.node.path!r}, which is in no stack; "
            "pass a stack, or a construct in a stack"
        ) from None


def _describe(value: Any) -> str:
    """Show a value of a simple type; a construct's type says enough."""
    if isinstance(value, type):
        return " (the class itself)"
    is_simple = isinstance(value, (str, int, float, list, tuple, dict, set))
    return f" ({reprlib.repr(value)})" if is_simple else ""


def _remedy(value: Any, expected: Any) -> str:
    """Say how to make a value of the expected type."""
    if inspect.isroutine(value):
        return f"call it: {value.__qualname__}(...)"
    generics = {get_origin(part) for part in (expected, *get_args(expected))}
    if dict in generics:
        return "pass a dictionary of texts"
    names = [name for name in _class_names(expected) if name in _REMEDIES]
    remedy = ", or ".join(_REMEDIES[name] for name in names) or "change it"
    if Sequence in generics and (isinstance(value, str) or not isinstance(value, Sequence)):
        return f"put it into a list; for each item, {remedy}"
    return remedy


def _class_names(hint: Any) -> Iterator[str]:
    """Return the names of the classes of which a type is composed."""
    if not get_args(hint):
        yield hint.__name__
    for argument in get_args(hint):
        yield from _class_names(argument)


def _checkable(hint: Any) -> Any:
    """Return the type of a value that is not None, with parts that typeguard checks."""
    if hint is int:
        return _stand_in(int, _is_number)
    if getattr(hint, "_is_protocol", False):
        return _stand_in(hint, lambda value: _implements(value, hint))
    arguments = tuple(_checkable(part) for part in get_args(hint) if part is not type(None))
    if not arguments:
        return hint
    origin: Any = dict if get_origin(hint) is Mapping else get_origin(hint)
    if origin is UnionType:
        return Union[arguments]  # noqa: UP007 - typeguard does not know the type of `X | Y`
    return origin[arguments]


class _StandIn(type):
    """A class with the name of another, which decides itself about its instances."""

    accepts: Callable[[Any], bool]

    def __instancecheck__(cls, value: object) -> bool:
        return cls.accepts(value)


def _stand_in(original: type, accepts: Callable[[Any], bool]) -> type:
    names = {"__module__": original.__module__, "__qualname__": original.__qualname__}
    return _StandIn(original.__name__, (), {**names, "accepts": staticmethod(accepts)})


def _is_number(value: object) -> bool:
    """Tell whether a value is a number. A token of a number is a float, also of a whole number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _implements(value: object, interface: type) -> bool:
    """Tell whether a value declares a JSII interface, or has its members.

    A value that JSII returns can be a proxy of several objects, each of which has some members.
    """
    delegates = getattr(value, "__dict__", {}).get("_delegates", [value])
    types = [type(delegate) for delegate in delegates]
    declared = (
        declared
        for type_ in types
        for base in type_.__mro__
        for declared in base.__dict__.get("__jsii_ifaces__", ())
    )
    return any(interface in each.__mro__ for each in declared) or all(
        any(hasattr(type_, member) for type_ in types) for member in _members(interface)
    )


@cache
def _members(interface: type) -> frozenset[str]:
    """Return the names of the members of a JSII interface and of those that it extends."""
    return frozenset(
        name
        for base in interface.__mro__
        if hasattr(base, "__jsii_type__")
        for name in vars(base)
        if not name.startswith("_")
    )
