"""The settings of a deployment, which the app reads from CDK context."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from cdk_code_interpreter import SUPPORTED_ZONE_IDS
from cdk_code_interpreter.limits import (
    MAX_CERTIFICATES,
    MAX_DESCRIPTION_LENGTH,
    MAX_FILESYSTEMS_OF_A_KIND,
    MAX_FUNCTION_SECONDS,
    MAX_NAME_LENGTH,
    MAX_SECURITY_GROUPS,
    MAX_SESSION_SECONDS,
    MAX_SUBNETS,
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
    MAX_TAGS,
    MIN_IDLE_LIMIT,
    MIN_SESSION_OF_SPARES,
    MOUNT_PATH_PATTERN,
    NAME_PATTERN,
    S3_PREFIX_LISTS,
    SESSION_RECORDS,
    TAG_PATTERN,
    WORKSPACE_PREFIX_PATTERN,
)

from .logs import RETENTIONS
from .values import (
    NAMESPACE,
    Parser,
    SettingsError,
    choice,
    full_key,
    list_of,
    list_of_objects,
    number_among,
    on_or_off,
    text,
    text_map,
    whole_number,
    wrong,
)

NetworkMode = Literal["sandbox", "public", "vpc", "sealed"]
Retention = Literal["retain", "destroy"]
ServiceLogKind = Literal["application", "traces", "usage"]

_ARN = "arn:aws(-[a-z]+)*:"
_PATH_AND_NAME = "([a-zA-Z0-9+=,.@_-]+/)*[a-zA-Z0-9+=,.@_-]"
_MANAGED_POLICY = f"{_ARN}iam::([0-9]{{12}}|aws):policy/{_PATH_AND_NAME}{{1,128}}"
_RESOURCE = _ARN + "(elasticfilesystem|s3files):[a-z0-9-]+:[0-9]{12}:"
_FILE_SYSTEM = _RESOURCE + "file-system/"
_EC2_ID = "([0-9a-f]{8}|[0-9a-f]{17})"
# With it ends the name of the stack with the new VPC.
_NETWORK = "Network"
# CloudFormation's limit of 128, less the end of the name of the network's stack.
_MAX_STACK_NAME_LENGTH = 120
# How much of a key has to be right for it to be taken for one of ours.
_NEAR = 0.85


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

    With the network `vpc`, the sandboxes are in the given subnets, or else in a new VPC. With
    `sealed`, they are in a new VPC from which they reach the workspace alone.
    """

    stack_name: str = "CodeInterpreter"
    account: str | None = None
    region: str | None = None
    termination_protection: bool = False
    permissions_boundary_arn: str | None = None
    compliance: bool = False
    name: str | None = None
    description: str | None = None
    network: NetworkMode = "sandbox"
    vpc_id: str | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    vpc_internet: bool = False
    sealed_data_path: bool = True
    sealed_links: bool = False
    s3_prefix_list_id: str | None = None
    execution_role_arn: str | None = None
    managed_policy_arns: tuple[str, ...] = ()
    certificate_secret_arns: tuple[str, ...] = ()
    filesystems: tuple[FilesystemSettings, ...] = ()
    tags: Mapping[str, str] | None = None
    interpreter_retention: Retention = "destroy"
    session_timeout_seconds: int = 900
    function_memory_mib: int = 256
    function_timeout_seconds: int = 900
    function_reserved_concurrency: int | None = None
    function_vpc_id: str | None = None
    function_subnet_ids: tuple[str, ...] = ()
    function_security_group_ids: tuple[str, ...] = ()
    workspace_bucket_name: str | None = None
    workspace_prefix: str = "workspace"
    workspace_retention: Retention = "retain"
    workspace_expiration_days: int | None = None
    workspace_versioning: bool = False
    workspace_delete: bool = True
    access_log_bucket_name: str | None = None
    kms_key_arn: str | None = None
    log_retention_days: int | None = None
    log_group_retention: Retention = "destroy"
    tracing: bool = False
    alarms: bool = False
    idle_limit_seconds: int | None = None
    warm_spare: bool = False
    alarm_topic_arn: str | None = None
    alarm_email: str | None = None
    service_logs: tuple[ServiceLogKind, ...] = ()

    @property
    def network_stack_name(self) -> str:
        """The name of the stack with the new VPC, if there is one."""
        return f"{self.stack_name}{_NETWORK}"

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Settings:
        """Read the settings from an app's context, and ignore keys of others.

        A setting that is null is left out. Blanks around a value mean nothing.

        :raises SettingsError: for the first key or value that cannot be used, and for the first key
            that looks like a setting but is none.
        """
        _check_keys(context)
        values = {
            key.removeprefix(NAMESPACE): value.strip() if isinstance(value, str) else value
            for key, value in context.items()
            if key.startswith(NAMESPACE) and value is not None
        }
        for key, value in values.items():
            if "${Token[" in str(value):
                raise wrong(key, value, "known at synthesis, and not a token")
        settings = cls(
            **{key.replace("-", "_"): _PARSERS[key](key, value) for key, value in values.items()}
        )
        settings._check_together(values.keys())
        return settings

    def _check_together(self, keys: Collection[str]) -> None:
        for network, owned in _KEYS_OF_NETWORKS.items():
            for key in owned:
                if key in keys and self.network != network:
                    raise _conflict(
                        key,
                        f"{full_key('network')} is {self.network!r}",
                        f"set {full_key('network')} to {network!r}",
                    )
        for key, other in (
            ("vpc-id", "subnet-ids"),
            ("subnet-ids", "vpc-id"),
            ("security-group-ids", "vpc-id"),
            ("function-vpc-id", "function-subnet-ids"),
            ("function-subnet-ids", "function-vpc-id"),
            ("function-security-group-ids", "function-vpc-id"),
        ):
            if key in keys and other not in keys:
                raise _conflict(key, f"{full_key(other)} is not", f"give {full_key(other)}, too")
        for key in ("alarm-topic-arn", "alarm-email", "service-logs"):
            if key in keys and not self.alarms:
                raise _conflict(
                    key, f"{full_key('alarms')} is false", f"set {full_key('alarms')} to true"
                )
        for key, other in (
            ("vpc-internet", "vpc-id"),
            ("workspace-retention", "workspace-bucket-name"),
            ("workspace-expiration-days", "workspace-bucket-name"),
            ("workspace-versioning", "workspace-bucket-name"),
            ("access-log-bucket-name", "workspace-bucket-name"),
            ("execution-role-arn", "managed-policy-arns"),
            ("alarm-topic-arn", "alarm-email"),
        ):
            if key in keys and other in keys:
                raise _conflict(key, f"so is {full_key(other)}", f"remove {full_key(other)}")
        if self.warm_spare and self.session_timeout_seconds < MIN_SESSION_OF_SPARES:
            raise _conflict(
                "warm-spare",
                f"{full_key('session-timeout-seconds')} is {self.session_timeout_seconds}",
                f"set {full_key('session-timeout-seconds')} to {MIN_SESSION_OF_SPARES} or more",
            )
        if self.compliance:
            self._check_compliance(keys)
        if self.region is not None:
            self._check_region(self.region)

    def _check_region(self, region: str) -> None:
        """Check that the region has what a new VPC needs, and all that is given by ARN."""
        is_sealed = self.network == "sealed"
        has_new_vpc = is_sealed or (self.network == "vpc" and self.vpc_id is None)
        if has_new_vpc and region not in SUPPORTED_ZONE_IDS:
            raise wrong("region", region, f"one of {', '.join(SUPPORTED_ZONE_IDS)}")
        needs_list = is_sealed and self.sealed_data_path and self.s3_prefix_list_id is None
        if needs_list and region not in S3_PREFIX_LISTS:
            raise wrong(
                "region",
                region,
                f"one of {', '.join(S3_PREFIX_LISTS)}, or {full_key('s3-prefix-list-id')} given",
            )
        for key, arns in self._arns_of_a_region().items():
            for arn in arns:
                if arn is not None and arn.split(":")[3] != region:
                    raise wrong(key, arn, f"of {region}, because {full_key('region')} is")

    def _arns_of_a_region(self) -> Mapping[str, Sequence[str | None]]:
        return {
            "kms-key-arn": [self.kms_key_arn],
            "alarm-topic-arn": [self.alarm_topic_arn],
            "certificate-secret-arns": self.certificate_secret_arns,
            "filesystems": [
                arn
                for filesystem in self.filesystems
                for arn in (filesystem.file_system_arn, filesystem.access_point_arn)
            ],
        }

    def _check_compliance(self, keys: Collection[str]) -> None:
        """Check that what the packs ask for, and only the user has, is given."""
        needed = ["kms-key-arn", "function-vpc-id", "function-reserved-concurrency"]
        if self.workspace_bucket_name is None:
            needed.append("access-log-bucket-name")
        missing = [full_key(key) for key in needed if key not in keys]
        if self.alarms and not {"alarm-topic-arn", "alarm-email"}.intersection(keys):
            missing.append(f"{full_key('alarm-topic-arn')} or {full_key('alarm-email')}")
        if missing:
            names = ", ".join(missing)
            raise _conflict("compliance", f"without {names}", f"give {names}, too")
        if "workspace-versioning" in keys and not self.workspace_versioning:
            versioning = full_key("workspace-versioning")
            raise _conflict("compliance", f"{versioning} is false", f"remove {versioning}")


def _check_keys(context: Mapping[str, Any]) -> None:
    for key in context:
        if key.removeprefix(NAMESPACE) in _PARSERS and key.startswith(NAMESPACE):
            continue
        if _is_ours(key):
            name = _letters(key.rpartition(":")[2]).removeprefix(_letters(NAMESPACE))
            spellings = {_letters(known): known for known in KEYS}
            near = difflib.get_close_matches(name, spellings, n=1)
            allowed = (
                f"did you mean {full_key(spellings[near[0]])}? docs/settings.md has all"
                if near
                else f"allowed after '{NAMESPACE}': {', '.join(KEYS)}"
            )
            raise SettingsError(f"context key {key!r} is unknown; {allowed}")


def _is_ours(key: str) -> bool:
    """Tell whether a context key is meant as a setting, however it is spelt.

    Keys of CDK and of others have another namespace, before a colon or a slash.
    """
    if key.startswith(NAMESPACE) or _letters(key).startswith(_letters(NAMESPACE)):
        return True
    namespace, has_namespace, _ = key.partition(":")
    if has_namespace:
        return bool(difflib.get_close_matches(namespace, [NAMESPACE[:-1]], cutoff=_NEAR))
    spellings = [_letters(known) for known in KEYS]
    return bool(difflib.get_close_matches(_letters(key), spellings, cutoff=_NEAR))


def _letters(key: str) -> str:
    return re.sub("[^a-z0-9]", "", key.lower())


def _conflict(key: str, problem: str, remedy: str) -> SettingsError:
    return SettingsError(
        f"context key {full_key(key)} is given, but {problem}; {remedy}, or remove {full_key(key)}"
    )


def _prefix(key: str, value: Any) -> str:
    prefix: str = _PREFIX(key, value)
    if prefix.split("/")[0] == SESSION_RECORDS:
        raise wrong(key, prefix, f"another than {SESSION_RECORDS!r}, where records are kept")
    return prefix


def _tags(key: str, value: Any) -> dict[str, str]:
    tags = text_map(key, value)
    if len(tags) > MAX_TAGS:
        raise wrong(key, f"{len(tags)} tags", f"{MAX_TAGS} or fewer")
    for name, content in tags.items():
        if (
            not 1 <= len(name) <= MAX_TAG_KEY_LENGTH
            or len(content) > MAX_TAG_VALUE_LENGTH
            or not re.fullmatch(TAG_PATTERN, name + content)
            or name.lower().startswith("aws:")
        ):
            raise wrong(
                key,
                {name: content},
                f"a key of 1 to {MAX_TAG_KEY_LENGTH} and a value of 0 to {MAX_TAG_VALUE_LENGTH} "
                "letters of the English alphabet, digits, spaces and . _ : / = + @ -, and the key "
                "must not begin with aws:",
            )
    return tags


def _filesystems(key: str, value: Any) -> tuple[FilesystemSettings, ...]:
    filesystems: tuple[FilesystemSettings, ...] = _FILESYSTEM_LIST(key, value)
    paths = [filesystem.mount_path for filesystem in filesystems]
    if len(set(paths)) < len(paths):
        raise wrong(f"{key}[].mount-path", paths, "another path for each file system")
    types = [filesystem.type for filesystem in filesystems]
    if any(types.count(type_) > MAX_FILESYSTEMS_OF_A_KIND for type_ in types):
        raise wrong(f"{key}[].type", types, f"each type {MAX_FILESYSTEMS_OF_A_KIND} times at most")
    return filesystems


def _filesystem(key: str, value: Mapping[str, Any]) -> FilesystemSettings:
    if value.keys() != _FILESYSTEM_PARSERS.keys():
        raise wrong(key, dict(value), f"objects with {', '.join(_FILESYSTEM_PARSERS)} and no more")
    filesystem = FilesystemSettings(
        **{
            name.replace("-", "_"): parse(f"{key}[].{name}", value[name])
            for name, parse in _FILESYSTEM_PARSERS.items()
        }
    )
    service = _SERVICES[filesystem.type]
    for name in ("file-system-arn", "access-point-arn"):
        if value[name].split(":")[2] != service:
            raise wrong(
                f"{key}[].{name}", value[name], f"of {service}, because type is {filesystem.type!r}"
            )
    return filesystem


_PREFIX = text(
    "one or more parts of letters, digits and ! _ . ' ( ) - with single slashes between them, and "
    "none of them . or ..",
    WORKSPACE_PREFIX_PATTERN,
)
# The keys that mean something with one network only.
_KEYS_OF_NETWORKS = {
    "vpc": ("vpc-id", "subnet-ids", "security-group-ids", "vpc-internet", "filesystems"),
    "sealed": ("sealed-data-path", "sealed-links", "s3-prefix-list-id"),
}
_FILESYSTEM_LIST = list_of_objects(_filesystem, max_items=2 * MAX_FILESYSTEMS_OF_A_KIND)
_SERVICES = {"efs": "elasticfilesystem", "s3-files": "s3files"}
_FILESYSTEM_PARSERS: dict[str, Parser] = {
    "type": choice("efs", "s3-files"),
    "file-system-arn": text("the ARN of a file system", _FILE_SYSTEM + "fs-[0-9a-z]+"),
    "access-point-arn": text(
        "the ARN of an access point",
        f"({_FILE_SYSTEM}fs-[0-9a-z]+/|{_RESOURCE})access-point/fsap-[0-9a-z]+",
    ),
    "mount-path": text("/mnt/ and one name", MOUNT_PATH_PATTERN),
    "security-group-id": text("the id of a security group", f"sg-{_EC2_ID}"),
}
_BUCKET_NAME = text(
    "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens, and no IP address",
    r"(?!.*\.\.|[0-9.]+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
)
_PARSERS: dict[str, Parser] = {
    "stack-name": text(
        f"1 to {_MAX_STACK_NAME_LENGTH} letters, digits and hyphens, beginning with a letter and "
        f"not ending with {_NETWORK}, which ends the name of a network's stack",
        f"(?!.*{_NETWORK}$)[a-zA-Z][a-zA-Z0-9-]{{0,{_MAX_STACK_NAME_LENGTH - 1}}}",
    ),
    "account": text("text of the 12 digits of an account", "[0-9]{12}"),
    "region": text("a region, such as us-east-1", "[a-z]{2,4}(-[a-z]+)+-[0-9]+"),
    "termination-protection": on_or_off,
    "permissions-boundary-arn": text("the ARN of a managed policy", _MANAGED_POLICY),
    "compliance": on_or_off,
    "name": text(
        f"1 to {MAX_NAME_LENGTH} letters, digits and underscores, beginning with a letter",
        NAME_PATTERN,
    ),
    "description": text(
        f"1 to {MAX_DESCRIPTION_LENGTH} characters", f".{{1,{MAX_DESCRIPTION_LENGTH}}}"
    ),
    "network": choice("sandbox", "public", "vpc", "sealed"),
    "vpc-id": text("the id of a VPC", f"vpc-{_EC2_ID}"),
    "subnet-ids": list_of("ids of subnets", f"subnet-{_EC2_ID}", max_items=MAX_SUBNETS),
    "security-group-ids": list_of(
        "ids of security groups", f"sg-{_EC2_ID}", max_items=MAX_SECURITY_GROUPS
    ),
    "vpc-internet": on_or_off,
    "sealed-data-path": on_or_off,
    "sealed-links": on_or_off,
    "s3-prefix-list-id": text("the id of a prefix list", "pl-[0-9a-f]{8,17}"),
    "execution-role-arn": text(
        "the ARN of a role", f"{_ARN}iam::[0-9]{{12}}:role/{_PATH_AND_NAME}{{1,64}}"
    ),
    "managed-policy-arns": list_of(
        "ARNs of managed policies",
        _MANAGED_POLICY,
        max_items=10,
    ),
    "certificate-secret-arns": list_of(
        "full ARNs of secrets",
        _ARN + "secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[a-zA-Z0-9/_+=.@-]+-[a-zA-Z0-9]{6}",
        max_items=MAX_CERTIFICATES,
    ),
    "filesystems": _filesystems,
    "tags": _tags,
    "interpreter-retention": choice("retain", "destroy"),
    "session-timeout-seconds": whole_number(1, MAX_SESSION_SECONDS),
    "function-memory-mib": whole_number(128, 10_240),
    "function-timeout-seconds": whole_number(1, MAX_FUNCTION_SECONDS),
    "function-reserved-concurrency": whole_number(1, 100_000),
    "function-vpc-id": text("the id of a VPC", f"vpc-{_EC2_ID}"),
    "function-subnet-ids": list_of("ids of subnets", f"subnet-{_EC2_ID}", max_items=16),
    "function-security-group-ids": list_of("ids of security groups", f"sg-{_EC2_ID}", max_items=5),
    "workspace-bucket-name": _BUCKET_NAME,
    "workspace-prefix": _prefix,
    "workspace-retention": choice("retain", "destroy"),
    "workspace-expiration-days": whole_number(1, 3_650),
    "workspace-versioning": on_or_off,
    "workspace-delete": on_or_off,
    "access-log-bucket-name": _BUCKET_NAME,
    "kms-key-arn": text(
        "the ARN of a KMS key, and not of an alias",
        _ARN + "kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+",
    ),
    "log-retention-days": number_among(*RETENTIONS),
    "log-group-retention": choice("retain", "destroy"),
    "tracing": on_or_off,
    "alarms": on_or_off,
    "idle-limit-seconds": whole_number(MIN_IDLE_LIMIT, MAX_SESSION_SECONDS),
    "warm-spare": on_or_off,
    "alarm-topic-arn": text(
        "the ARN of an SNS topic", _ARN + "sns:[a-z0-9-]+:[0-9]{12}:[a-zA-Z0-9_-]{1,256}"
    ),
    "alarm-email": text("an e-mail address", r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "service-logs": list_of(
        f"of {', '.join(get_args(ServiceLogKind))}",
        "|".join(get_args(ServiceLogKind)),
        max_items=len(get_args(ServiceLogKind)),
    ),
}

KEYS = sorted(_PARSERS)

if {key.replace("-", "_") for key in _PARSERS} != {field.name for field in fields(Settings)}:
    raise AssertionError("every setting has exactly one parser")
