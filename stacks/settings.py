"""The settings of a deployment, which the app reads from CDK context."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from cdk_code_interpreter.limits import (
    MAX_CERTIFICATES,
    MAX_DESCRIPTION_LENGTH,
    MAX_FILESYSTEMS_OF_A_KIND,
    MAX_FUNCTION_SECONDS,
    MAX_NAME_LENGTH,
    MAX_SECURITY_GROUPS,
    MAX_SESSION_SECONDS,
    MAX_SUBNETS,
    MOUNT_PATH_PATTERN,
    NAME_PATTERN,
)

from .values import (
    NAMESPACE,
    Parser,
    SettingsError,
    choice,
    full_key,
    list_of,
    list_of_objects,
    on_or_off,
    text,
    text_map,
    whole_number,
    wrong,
)

NetworkMode = Literal["sandbox", "public", "vpc"]
Retention = Literal["retain", "destroy"]

_ARN = "arn:aws[a-z-]*:"


@dataclass(frozen=True)
class FilesystemSettings:
    """An existing file system to mount."""

    type: Literal["efs", "s3-files"]
    file_system_arn: str
    access_point_arn: str
    mount_path: str
    security_group_id: str


@dataclass(frozen=True)
class Settings:
    """The settings of a deployment; each is the context key `code-interpreter:<key>`.

    With the network `vpc`, the sandboxes are in the given subnets, or else in a new VPC.
    """

    name: str | None = None
    description: str | None = None
    network: NetworkMode = "sandbox"
    vpc_id: str | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    vpc_internet: bool = False
    execution_role_arn: str | None = None
    managed_policy_arns: tuple[str, ...] = ()
    certificate_secret_arns: tuple[str, ...] = ()
    filesystems: tuple[FilesystemSettings, ...] = ()
    tags: Mapping[str, str] | None = None
    session_timeout_seconds: int = 900
    function_memory_mib: int = 256
    function_timeout_seconds: int = MAX_FUNCTION_SECONDS
    workspace_retention: Retention = "retain"
    workspace_expiration_days: int | None = None
    workspace_delete: bool = True
    alarms: bool = False

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Settings:
        """Read the settings from an app's context, and ignore keys without the prefix.

        :raises SettingsError: for the first key or value that cannot be used.
        """
        values = {
            key.removeprefix(NAMESPACE): value
            for key, value in context.items()
            if key.startswith(NAMESPACE)
        }
        for key in values:
            if key not in _PARSERS:
                raise _unknown(key)
        settings = cls(
            **{key.replace("-", "_"): _PARSERS[key](key, value) for key, value in values.items()}
        )
        settings._check_together(values.keys())
        return settings

    def _check_together(self, keys: Collection[str]) -> None:
        for key in ("vpc-id", "subnet-ids", "security-group-ids", "vpc-internet", "filesystems"):
            if key in keys and self.network != "vpc":
                raise _conflict(
                    key,
                    f"{full_key('network')} is {self.network!r}",
                    f"set {full_key('network')} to 'vpc'",
                )
        for key, other in (
            ("vpc-id", "subnet-ids"),
            ("subnet-ids", "vpc-id"),
            ("security-group-ids", "vpc-id"),
        ):
            if key in keys and other not in keys:
                raise _conflict(key, f"{full_key(other)} is not", f"give {full_key(other)}, too")
        for key, other in (
            ("vpc-internet", "vpc-id"),
            ("execution-role-arn", "managed-policy-arns"),
        ):
            if key in keys and other in keys:
                raise _conflict(key, f"so is {full_key(other)}", f"remove {full_key(other)}")


def _unknown(key: str) -> SettingsError:
    near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0)
    return SettingsError(
        f"context key {full_key(key)} is unknown; did you mean {full_key(near[0])}? "
        f"Allowed after '{NAMESPACE}': {', '.join(KEYS)}"
    )


def _conflict(key: str, problem: str, remedy: str) -> SettingsError:
    return SettingsError(
        f"context key {full_key(key)} is given, but {problem}; {remedy}, or remove {full_key(key)}"
    )


def _filesystem(key: str, value: Mapping[str, Any]) -> FilesystemSettings:
    if value.keys() != _FILESYSTEM_PARSERS.keys():
        raise wrong(key, dict(value), f"objects with {', '.join(_FILESYSTEM_PARSERS)} and no more")
    return FilesystemSettings(
        **{
            name.replace("-", "_"): parse(f"{key}[].{name}", value[name])
            for name, parse in _FILESYSTEM_PARSERS.items()
        }
    )


_SECURITY_GROUP = ("ids of security groups", "sg-[0-9a-zA-Z]{8,17}")
_FILESYSTEM_PARSERS: dict[str, Parser] = {
    "type": choice("efs", "s3-files"),
    "file-system-arn": text("the ARN of a file system", _ARN + ".+:file-system/fs-[^/]+"),
    "access-point-arn": text("the ARN of an access point", _ARN + ".+access-point/fsap-[^/]+"),
    "mount-path": text("/mnt/ and one name", MOUNT_PATH_PATTERN),
    "security-group-id": text("the id of a security group", _SECURITY_GROUP[1]),
}
_PARSERS: dict[str, Parser] = {
    "name": text(
        f"1 to {MAX_NAME_LENGTH} letters, digits and underscores, beginning with a letter",
        NAME_PATTERN,
    ),
    "description": text(
        f"1 to {MAX_DESCRIPTION_LENGTH} characters", f".{{1,{MAX_DESCRIPTION_LENGTH}}}"
    ),
    "network": choice("sandbox", "public", "vpc"),
    "vpc-id": text("the id of a VPC", "vpc-[0-9a-f]+"),
    "subnet-ids": list_of("ids of subnets", "subnet-[0-9a-zA-Z]{8,17}", max_items=MAX_SUBNETS),
    "security-group-ids": list_of(*_SECURITY_GROUP, max_items=MAX_SECURITY_GROUPS),
    "vpc-internet": on_or_off,
    "execution-role-arn": text("the ARN of a role", _ARN + "iam::[0-9]{12}:role/.+"),
    "managed-policy-arns": list_of(
        "ARNs of managed policies", _ARN + "iam::([0-9]{12}|aws):policy/.+", max_items=10
    ),
    "certificate-secret-arns": list_of(
        "full ARNs of secrets",
        _ARN + "secretsmanager:.+:secret:.+-[a-zA-Z0-9]{6}",
        max_items=MAX_CERTIFICATES,
    ),
    "filesystems": list_of_objects(_filesystem, max_items=2 * MAX_FILESYSTEMS_OF_A_KIND),
    "tags": text_map,
    "session-timeout-seconds": whole_number(1, MAX_SESSION_SECONDS),
    "function-memory-mib": whole_number(128, 10_240),
    "function-timeout-seconds": whole_number(1, MAX_FUNCTION_SECONDS),
    "workspace-retention": choice("retain", "destroy"),
    "workspace-expiration-days": whole_number(1, 3_650),
    "workspace-delete": on_or_off,
    "alarms": on_or_off,
}

KEYS = sorted(_PARSERS)

if {key.replace("-", "_") for key in _PARSERS} != {field.name for field in fields(Settings)}:
    raise AssertionError("every setting has exactly one parser")
