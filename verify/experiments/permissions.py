"""The effect of IAM policies and roles on the service's control plane."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from verify.context import error_of, wait
from verify.experiment import NotTriedError, Reading, holds_if
from verify.ledger import Made
from verify.names import RUN_TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from verify.context import Context
    from verify.experiment import Finding

CONTROL = "bedrock-agentcore-control"
DENIED = "AccessDeniedException"
INVALID = "ValidationException"
SANDBOX = {"networkConfiguration": {"networkMode": "SANDBOX"}}
# The tag may act later than Create, but a stack's deployment waits no longer.
TAG_SECONDS = 120
# An operation that must fail is tried for so long, because an earlier policy may still act.
DENIED_SECONDS = 30
ATTEMPTS = 5
# Each Start that succeeds leaves a sandbox, for a minute.
START_PAUSE = 15
WATCH_SECONDS = 0.5
LOCAL_WATCH_SECONDS = 0.05


class Creations:
    """Creations of code interpreters with the credentials of a role of the stack Permissions."""

    def __init__(self, context: Context, role: str) -> None:
        self._context = context
        self.outputs = context.deployments.outputs("Permissions")
        self.client = context.client_as(self.outputs[f"{role}Role"], CONTROL)

    def create(self, **options: Any) -> str | None:
        """Create a code interpreter, and return the error code, or None if it was created."""
        made = Made("code interpreter", self._context.new_name())
        self._context.ledger.record(made)
        code = error_of(
            lambda: self.client.create_code_interpreter(**{**SANDBOX, **options}, name=made.name)
        )
        self._context.remove(made)
        return code


def tags_after_create(context: Context) -> Reading:
    """Read a new code interpreter with a permission that depends on its tag, until it works."""
    creations = Creations(context, "Tags")
    tags = {RUN_TAG: context.run}
    for _ in range(ATTEMPTS):
        made = Made("code interpreter", context.new_name())
        context.ledger.record(made)

        def created(name: str = made.name) -> str | None:
            try:
                response = creations.client.create_code_interpreter(**SANDBOX, name=name, tags=tags)
            except creations.client.exceptions.AccessDeniedException:
                return None
            return str(response["codeInterpreterId"])

        interpreter_id = context.wait_for_iam(created, "the creation with the tag was denied")
        read = partial(creations.client.get_code_interpreter, codeInterpreterId=interpreter_id)
        first = error_of(read)
        status = context.status(interpreter_id)
        if first is None and status == "CREATING":
            context.remove(made)
            return Reading("at_once", "reading by the tag was allowed while CREATING")
        later = first
        if first == DENIED:
            later = last_error(read, TAG_SECONDS)
        context.remove(made)
        if first == DENIED:
            value = "once_ready" if later is None else "never"
            return Reading(value, f"the first read was denied, a later one: {later or 'allowed'}")
    raise NotTriedError("each code interpreter was READY before it was read")


def create_without_tag(context: Context) -> Finding:
    """Create with the tag that a policy requires, then without it and with another value."""
    creations = Creations(context, "Tags")
    context.wait_for_iam(
        lambda: creations.create(tags={RUN_TAG: context.run}) is None or None,
        "the creation with the tag was denied",
    )
    without = creations.create()
    other = creations.create(tags={RUN_TAG: "other"})
    return holds_if(
        (without, other) == (DENIED, DENIED),
        f"without the tag: {without or 'created'}; with another value: {other or 'created'}",
    )


def subnet_condition(context: Context) -> Finding:
    return network_condition(context, "Subnets", subnets="OtherSubnet")


def security_group_condition(context: Context) -> Finding:
    return network_condition(context, "Groups", securityGroups="OtherGroupId")


def network_condition(context: Context, role: str, **other: str) -> Finding:
    """Create in an allowed network, in another, and in none.

    The allowed creation passes a role that does not trust the service, so that it fails later than
    its authorization and leaves no network interface behind.
    """
    creations = Creations(context, role)
    outputs = creations.outputs
    allowed = {"subnets": [outputs["Subnet"]], "securityGroups": [outputs["Group"]]}
    forbidden = {**allowed, **{key: [outputs[name]] for key, name in other.items()}}

    def create(vpc: dict[str, Any]) -> str | None:
        return creations.create(
            networkConfiguration={"networkMode": "VPC", "vpcConfig": vpc},
            executionRoleArn=outputs["UntrustingRole"],
        )

    context.wait_for_iam(
        lambda: True if create(allowed) == INVALID else None,
        "the creation in the allowed network did not pass its authorization",
    )
    elsewhere = create(forbidden)
    nowhere = creations.create()
    return holds_if(
        (elsewhere, nowhere) == (DENIED, DENIED),
        "the allowed network passed; "
        f"another: {elsewhere or 'created'}; none: {nowhere or 'created'}",
    )


def service_s3_endpoint(context: Context) -> Reading:
    """Ask for the S3 endpoint of Runtimes, with a role that makes the creation fail anyway."""
    outputs = context.deployments.outputs("Permissions")
    vpc = {
        "subnets": [outputs["Subnet"]],
        "securityGroups": [outputs["Group"]],
        "requireServiceS3Endpoint": True,
    }
    message = creation_failure(
        context,
        networkConfiguration={"networkMode": "VPC", "vpcConfig": vpc},
        executionRoleArn=outputs["UntrustingRole"],
    )
    is_refused = message is not None and "role validation" not in message
    return Reading(is_refused, f"Create said: {message or 'nothing'}")


def source_arn(context: Context) -> Reading:
    """Create with a role that trusts names and ids, then with a role that trusts ids alone."""
    outputs = context.deployments.outputs("Permissions")

    def create(role: str) -> str | None:
        return creation_failure(context, executionRoleArn=outputs[role])

    context.wait_for_iam(
        lambda: True if create("TrustsBothRole") is None else None,
        "no creation with a role that trusts the service succeeded",
    )
    refused = last_error(
        lambda: create("TrustsIdRole"), min(DENIED_SECONDS, context.iam_seconds), raises=False
    )
    return Reading(
        "id" if refused is None else "id_and_name",
        f"a role that trusts ids alone: {refused or 'accepted'}",
    )


def role_gone(context: Context) -> Reading:
    """Take the trust from a code interpreter's role, and start sessions until one fails."""
    role_arn = context.deployments.outputs("Permissions")["LeavingRole"]
    made = Made("code interpreter", context.new_name())
    context.ledger.record(made)

    def created() -> str | None:
        try:
            response = context.control.create_code_interpreter(
                name=made.name, executionRoleArn=role_arn, **SANDBOX
            )
        except context.control.exceptions.ValidationException:
            return None
        return str(response["codeInterpreterId"])

    interpreter_id = context.wait_for_iam(created, "the role was not accepted")
    context.wait_until_ready(interpreter_id)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": context.account},
        "Action": "sts:AssumeRole",
    }
    context.client("iam").update_assume_role_policy(
        RoleName=role_arn.rpartition("/")[2],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    code = context.wait_for_iam(
        lambda: error_of(
            lambda: context.data.start_code_interpreter_session(
                codeInterpreterIdentifier=interpreter_id, sessionTimeoutSeconds=60
            )
        ),
        "every Start succeeded after the role had lost its trust",
        pause=START_PAUSE,
    )
    context.remove(made)
    return Reading(code, f"Start with a role that no longer trusts the service: {code}")


def mounts_at_create(context: Context) -> Reading:
    """Create with roles that may mount, with and without the permission to describe the mounts."""
    describing = create_with_mount(context, "DescribingRole")
    mounting = create_with_mount(context, "MountingRole", retry=False)
    if describing:
        raise NotTriedError(f"a role with every permission: {describing}")
    return Reading(
        "start" if mounting is None else "create_and_start",
        f"a role that may mount and not describe: {mounting or 'accepted at Create'}",
    )


def mount_not_allowed(context: Context) -> Reading:
    """Start a session that mounts a file system which the role may not mount."""
    outputs = context.deployments.outputs("Mounts")
    with context.new_interpreter(
        networkConfiguration=mount_network(outputs), executionRoleArn=outputs["NeitherRole"]
    ) as interpreter_id:
        code = error_of(
            lambda: context.data.start_code_interpreter_session(
                codeInterpreterIdentifier=interpreter_id,
                sessionTimeoutSeconds=60,
                filesystemConfigurations=[mount(outputs)],
            )
        )
    return Reading(code or "accept", f"Start with a mount that is not allowed: {code or 'started'}")


def create_with_mount(context: Context, role: str, *, retry: bool = True) -> str | None:
    """Create a code interpreter with a mount, and return the error's message, or None.

    :param retry: Whether to try until IAM knows the role.
    """
    outputs = context.deployments.outputs("Mounts")

    def create() -> str | None:
        return creation_failure(
            context,
            networkConfiguration=mount_network(outputs),
            executionRoleArn=outputs[role],
            filesystemConfigurations=[mount(outputs)],
        )

    seconds = context.iam_seconds if retry else 0
    return last_error(create, seconds, raises=False)


def creation_failure(context: Context, **options: Any) -> str | None:
    """Create a code interpreter, wait until it is READY, delete it, and return what failed."""
    made = Made("code interpreter", context.new_name())
    context.ledger.record(made)
    failure = None
    try:
        created = context.control.create_code_interpreter(**{**SANDBOX, **options}, name=made.name)
        context.wait_until_ready(created["codeInterpreterId"])
    except ClientError as error:
        failure = str(error.response["Error"]["Message"])
    except NotTriedError as error:
        failure = str(error)
    context.remove(made)
    return failure


def mount_network(outputs: dict[str, str]) -> dict[str, Any]:
    vpc = {"subnets": outputs["SubnetIds"].split(","), "securityGroups": [outputs["Group"]]}
    return {"networkMode": "VPC", "vpcConfig": vpc}


def mount(outputs: dict[str, str]) -> dict[str, Any]:
    return {
        "efsConfiguration": {
            "fileSystemArn": outputs["FileSystemArn"],
            "accessPointArn": outputs["AccessPointArn"],
            "mountPath": "/mnt/verify",
        }
    }


def policy_replacement(context: Context) -> Finding:
    """Replace the code interpreter of a stack, and watch the policies of the function's role."""
    name = context.deployments.outputs("Function")["InvokeFunctionName"]
    function = context.client("lambda").get_function_configuration(FunctionName=name)
    role = function["Role"].rpartition("/")[2]
    iam = context.client("iam")
    before = policies(iam, role)
    seen = [before]
    pause = LOCAL_WATCH_SECONDS if context.local else WATCH_SECONDS
    stop = Event()
    with ThreadPoolExecutor(1) as threads:
        watching = threads.submit(watch, lambda: policies(iam, role), seen, stop, pause)
        try:
            context.deployments.deploy("Function", description="second")
        finally:
            stop.set()
        watching.result()
    after = seen[-1]
    new, old = after - before, before - after
    counts = f"{' -> '.join(str(len(moment)) for moment in seen)} policies"
    if not new or not old:
        raise NotTriedError(f"no policy was replaced: {counts}")
    if len(seen) == 2:
        raise NotTriedError(f"the policy was replaced between two looks at the role: {counts}")
    has_both = any(new | old <= moment for moment in seen)
    return holds_if(has_both, f"both policies at once: {has_both}; {counts}")


def policies(iam: Any, role: str) -> frozenset[str]:
    return frozenset(iam.list_role_policies(RoleName=role)["PolicyNames"])


def watch(
    look: Callable[[], frozenset[str]], seen: list[frozenset[str]], stop: Event, pause: float
) -> None:
    """Add each new set to `seen`, until `stop` and once more."""
    is_last = False
    while not is_last:
        is_last = stop.wait(pause)
        found = look()
        if found != seen[-1]:
            seen.append(found)


def last_error(call: Callable[[], Any], seconds: float, *, raises: bool = True) -> str | None:
    """Repeat a call until it succeeds, and return None, or its last error after some seconds.

    :param raises: Whether the call raises its error. If not, it returns the error, or None.
    """
    last: list[str | None] = [None]

    def succeeded() -> bool | None:
        last[0] = error_of(call) if raises else call()
        return True if last[0] is None else None

    with suppress(NotTriedError):
        wait(succeeded, seconds, "it failed")
    return last[0]
