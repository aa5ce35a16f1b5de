from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from stacks.settings import KEYS, FilesystemSettings, Settings
from stacks.values import SettingsError

ROLE = "arn:aws:iam::123456789012:role/mine"
POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ca-AbCdEf"
CHAIN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:team/chain-AbCdEf"
SUBNETS = ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")
VPC = {"network": "vpc", "vpc_id": "vpc-0123456789abcdef0", "subnet_ids": list(SUBNETS)}
FILESYSTEM = {
    "type": "efs",
    "file-system-arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/fs-1",
    "access-point-arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1",
    "mount-path": "/mnt/data",
    "security-group-id": "sg-0123456789abcdef0",
}
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
FUNCTION_VPC = {"function_vpc_id": VPC["vpc_id"], "function_subnet_ids": list(SUBNETS)}
COMPLIANCE = {
    **FUNCTION_VPC,
    "compliance": True,
    "kms_key_arn": KEY,
    "function_reserved_concurrency": 5,
}
S3_ACCESS_POINT = "arn:aws:s3files:us-east-1:123456789012:file-system/fs-1/access-point/fsap-1"


def settings(**context: Any) -> Settings:
    return Settings.from_context(
        {f"code-interpreter:{key.replace('_', '-')}": value for key, value in context.items()}
    )


def test_nothing_needs_to_be_given() -> None:
    assert Settings.from_context({}) == Settings()


def test_other_peoples_context_is_left_alone() -> None:
    theirs = {
        "@aws-cdk/core:target-partitions": ["aws"],
        "availability-zones:account=123456789012:region=us-east-1": ["us-east-1a"],
        "vpc-provider:account=123456789012:filter.vpc-id=vpc-1:region=us-east-1": {},
        "hosted-zone:name": "x",
        "aws:cdk:bundling-stacks": ["**"],
        "owner": "data",
        "vpc": "vpc-1",
    }
    assert Settings.from_context(theirs) == Settings()


@pytest.mark.parametrize(
    ("key", "given", "read"),
    [
        ("name", "mine", "mine"),
        ("description", "one\ntwo", "one\ntwo"),
        ("network", "public", "public"),
        ("execution_role_arn", ROLE, ROLE),
        ("managed_policy_arns", [POLICY], (POLICY,)),
        ("managed_policy_arns", POLICY, (POLICY,)),
        ("certificate_secret_arns", json.dumps([SECRET, CHAIN]), (SECRET, CHAIN)),
        ("certificate_secret_arns", f"{SECRET}, {CHAIN}", (SECRET, CHAIN)),
        ("tags", {"team": "data"}, {"team": "data"}),
        ("tags", "team=data,stage=a=b", {"team": "data", "stage": "a=b"}),
        ("tags", '{"team": "data"}', {"team": "data"}),
        ("tags", "team=data, stage=", {"team": "data", "stage": ""}),
        ("network", "vpc ", "vpc"),
        ("session_timeout_seconds", " 60 ", 60),
        ("alarms", "true\n", True),
        ("session_timeout_seconds", 28800, 28800),
        ("session_timeout_seconds", "1", 1),
        ("function_memory_mib", "10240", 10240),
        ("function_timeout_seconds", 1800, 1800),
        ("workspace_retention", "destroy", "destroy"),
        ("workspace_expiration_days", "7", 7),
        ("workspace_delete", "false", False),
        ("alarms", True, True),
        ("idle_limit_seconds", "300", 300),
        ("warm_spare", "true", True),
        ("alarms", "true", True),
        ("alarms", "false", False),
        ("stack_name", "Analysis-2", "Analysis-2"),
        ("account", "123456789012", "123456789012"),
        ("region", "us-gov-west-1", "us-gov-west-1"),
        ("termination_protection", "true", True),
        ("permissions_boundary_arn", POLICY, POLICY),
        ("compliance", "false", False),
        ("interpreter_retention", "retain", "retain"),
        ("function_reserved_concurrency", "5", 5),
        ("workspace_prefix", "team/files", "team/files"),
        ("workspace_versioning", "true", True),
        ("access_log_bucket_name", "logs", "logs"),
        ("kms_key_arn", KEY, KEY),
        ("log_retention_days", "365", 365),
        ("log_retention_days", 3653, 3653),
        ("log_group_retention", "retain", "retain"),
        ("tracing", True, True),
    ],
)
def test_values_are_read_from_cdk_json_and_from_the_command_line(
    key: str, given: Any, read: Any
) -> None:
    assert getattr(settings(**{key: given}), key) == read


@pytest.mark.parametrize("as_text", [False, True])
def test_an_existing_vpc_and_its_file_systems(as_text: bool) -> None:
    given: Any = {**VPC, "filesystems": [FILESYSTEM]}
    if as_text:
        given["subnet_ids"] = ",".join(SUBNETS)
        given["filesystems"] = json.dumps(given["filesystems"])
    read = settings(**given)
    assert read.subnet_ids == SUBNETS
    assert read.filesystems == (
        FilesystemSettings(
            type="efs",
            file_system_arn=FILESYSTEM["file-system-arn"],
            access_point_arn=FILESYSTEM["access-point-arn"],
            mount_path="/mnt/data",
            security_group_id="sg-0123456789abcdef0",
        ),
    )


@pytest.mark.parametrize(
    ("key", "given", "allowed"),
    [
        ("name", "my-name", "1 to 48 letters"),
        ("name", 3, "1 to 48 letters"),
        # The stack of the network of a deployment with the name Analysis.
        ("stack_name", "AnalysisNetwork", "not ending with Network"),
        ("workspace_bucket_name", "10.0.0.1", "no IP address"),
        ("description", "", "1 to 4096 characters"),
        ("network", "internet", "one of sandbox, public, vpc"),
        ("network", ["public"], "one of sandbox, public, vpc"),
        ("vpc_id", "my-vpc", "the id of a VPC"),
        ("subnet_ids", [], "a list of 1 to 16 ids of subnets"),
        ("subnet_ids", ["subnet-1"], "a list of 1 to 16 ids of subnets"),
        ("subnet_ids", [SUBNETS[0]] * 17, "a list of 1 to 16 ids of subnets"),
        ("subnet_ids", {"a": SUBNETS[0]}, "a list of 1 to 16 ids of subnets"),
        ("security_group_ids", "sg-1", "a list of 1 to 16 ids of security groups"),
        ("vpc_internet", "yes", "true or false"),
        ("vpc_internet", 1, "true or false"),
        ("execution_role_arn", "mine", "the ARN of a role"),
        ("managed_policy_arns", "ReadOnlyAccess", "a list of 1 to 10 ARNs of managed policies"),
        ("certificate_secret_arns", "arn:aws:s3:::x", "a list of 1 to 200 full ARNs of secrets"),
        ("filesystems", "/mnt/data", "a list of 1 to 4 objects"),
        ("filesystems", [FILESYSTEM] * 5, "a list of 1 to 4 objects"),
        ("filesystems", "[" * 100_000, "a list of 1 to 4 objects"),
        ("filesystems", [{"type": "efs"}], "objects with type, file-system-arn, access-point"),
        ("tags", "team", "an object of texts"),
        ("tags", "team=data,stage", "an object of texts"),
        ("tags", {"team": 1}, "an object of texts"),
        ("tags", "{", "an object of texts"),
        ("tags", "a=b,a=c", "an object of texts"),
        ("tags", {"aws:x": "y"}, "the key must not begin with aws:"),
        ("tags", {"AWS:x": "y"}, "the key must not begin with aws:"),
        ("tags", {"Bücher": "y"}, "letters of the English alphabet"),
        ("tags", {"a": "ü"}, "letters of the English alphabet"),
        ("tags", {"a": "b,c"}, "spaces and . _ : / = + @ -"),
        ("tags", {"": "y"}, "a key of 1 to 128"),
        ("tags", {"k" * 129: "y"}, "a key of 1 to 128"),
        ("tags", {"k": "v" * 257}, "a value of 0 to 256"),
        ("tags", {str(number): "" for number in range(48)}, "47 or fewer"),
        ("tags", {"a": "${Token[X.1]}"}, "known at synthesis"),
        ("name", "${Token[X.1]}", "known at synthesis"),
        ("vpc_id", "vpc-1", "the id of a VPC"),
        ("workspace_bucket_name", "ab", "the name of a bucket"),
        ("workspace_bucket_name", "Mine", "the name of a bucket"),
        ("workspace_bucket_name", "a..b", "the name of a bucket"),
        ("workspace_bucket_name", "arn:aws:s3:::mine", "the name of a bucket"),
        ("subnet_ids", [SUBNETS[0]] * 2, "none of them twice"),
        ("security_group_ids", "sg-ABCDEFGH", "a list of 1 to 16 ids of security groups"),
        ("execution_role_arn", ROLE + "/*", "the ARN of a role"),
        ("execution_role_arn", ROLE + " mine", "the ARN of a role"),
        ("managed_policy_arns", f"{POLICY},{POLICY}", "none of them twice"),
        ("managed_policy_arns", POLICY + "*", "a list of 1 to 10 ARNs of managed policies"),
        ("certificate_secret_arns", "arn:aws:secretsmanager:x:secret:a-AbCdEf", "full ARNs of sec"),
        ("certificate_secret_arns", SECRET.replace("ca", "*"), "full ARNs of secrets"),
        ("session_timeout_seconds", 28801, "from 1 to 28800"),
        ("session_timeout_seconds", 0, "from 1 to 28800"),
        ("session_timeout_seconds", True, "from 1 to 28800"),
        ("session_timeout_seconds", 1.5, "from 1 to 28800"),
        ("session_timeout_seconds", "-1", "from 1 to 28800"),
        ("session_timeout_seconds", "²", "from 1 to 28800"),
        ("session_timeout_seconds", "", "from 1 to 28800"),
        ("function_timeout_seconds", 1801, "from 1 to 1800"),
        ("function_memory_mib", 64, "from 128 to 10240"),
        ("workspace_retention", "keep", "one of retain, destroy"),
        ("session_timeout_seconds", "9" * 5000, "from 1 to 28800"),
        ("alarms", "on", "true or false"),
        ("idle_limit_seconds", 299, "from 300 to 28800"),
        ("stack_name", "my stack", "1 to 120 letters, digits and hyphens, beginning with a letter"),
        ("stack_name", "2nd", "beginning with a letter"),
        ("stack_name", "n" * 121, "1 to 120 letters"),
        ("account", 123456789012, "text of the 12 digits of an account"),
        ("account", "1234", "text of the 12 digits of an account"),
        ("region", "Frankfurt", "a region, such as us-east-1"),
        ("termination_protection", 1, "true or false"),
        ("permissions_boundary_arn", ROLE, "the ARN of a managed policy"),
        ("compliance", "hipaa", "true or false"),
        ("interpreter_retention", "keep", "one of retain, destroy"),
        ("function_reserved_concurrency", 0, "a whole number from 1 to 100000"),
        ("function_vpc_id", "vpc-1", "the id of a VPC"),
        ("function_subnet_ids", "subnet-1", "a list of 1 to 16 ids of subnets"),
        ("function_security_group_ids", "sg-1", "a list of 1 to 5 ids of security groups"),
        ("workspace_prefix", "/files", "one or more parts of letters"),
        ("workspace_prefix", "a/../b", "none of them . or .."),
        ("workspace_prefix", "sessions/a", "another than 'sessions', where records are kept"),
        ("workspace_versioning", "yes", "true or false"),
        ("access_log_bucket_name", "Logs", "the name of a bucket"),
        ("kms_key_arn", KEY.replace("key/", "alias/"), "the ARN of a KMS key, and not of an alias"),
        ("kms_key_arn", "alias/mine", "the ARN of a KMS key, and not of an alias"),
        ("log_retention_days", 31, "one of 1, 3, 5, 7, 14, 30, 60"),
        ("log_retention_days", "a month", "one of 1, 3, 5, 7, 14, 30, 60"),
        ("log_group_retention", "keep", "one of retain, destroy"),
        ("tracing", "active", "true or false"),
        ("alarm_topic_arn", KEY, "the ARN of an SNS topic"),
        ("alarm_email", "ops", "an e-mail address"),
        ("service_logs", "all", "a list of 1 to 3 of application, traces, usage"),
        ("service_logs", "usage,usage", "none of them twice"),
    ],
)
def test_fails_with_the_key_the_value_and_what_is_allowed(
    key: str, given: Any, allowed: str
) -> None:
    with pytest.raises(SettingsError) as error:
        settings(**{key: given})
    message = str(error.value)
    assert f"'code-interpreter:{key.replace('_', '-')}' is " in message
    assert f"but it must be {allowed}" in message or allowed in message
    assert "change it in cdk.json" in message


def test_fails_on_a_part_of_a_file_system_by_its_name() -> None:
    wrong = {**FILESYSTEM, "mount-path": "/data"}
    with pytest.raises(SettingsError, match=r"filesystems\[\]\.mount-path' is '/data'.*/mnt/"):
        settings(**VPC, filesystems=[wrong])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{}, {}], r"mount-path' is .*another path for each file system"),
        (
            [{"mount-path": f"/mnt/{name}"} for name in "abc"],
            r"filesystems\[\]\.type' is .*each type 2 times at most",
        ),
        ([{"type": "s3-files"}], r"file-system-arn' is .*of s3files, because type is 's3-files'"),
        ([{"access-point-arn": S3_ACCESS_POINT}], r"access-point-arn' is .*of elasticfilesystem"),
        ([{"file-system-arn": "arn:aws:x:file-system/fs-1"}], "the ARN of a file system"),
        ([{"file-system-arn": FILESYSTEM["file-system-arn"] + ":x"}], "the ARN of a file system"),
        ([{"mount-path": "/mnt/.."}], "/mnt/ and one name"),
        ([{"security-group-id": "sg-ABCDEFGH"}], "the id of a security group"),
    ],
)
def test_fails_on_file_systems_that_cannot_be_mounted(
    changes: list[dict[str, str]], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(**VPC, filesystems=[{**FILESYSTEM, **change} for change in changes])


def test_null_leaves_a_setting_out() -> None:
    keys = [field.name for field in fields(Settings)]
    assert settings(**dict.fromkeys(keys)) == Settings()


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("code-interpreter:netwrok", "network"),
        ("network", "network"),
        ("netwrok", "network"),
        ("Network", "network"),
        ("vpc_id", "vpc-id"),
        ("managedPolicyArns", "managed-policy-arns"),
        ("alarm", "alarms"),
        ("code_interpreter:network", "network"),
        ("codeInterpreter:network", "network"),
        ("code-interpeter:network", "network"),
        ("Code-Interpreter:vpc_internet", "vpc-internet"),
        ("code-interpreter.tags", "tags"),
        ("code-interpreter/tags", "tags"),
        ("code-interpreter-tags", "tags"),
        ("code-interpreter:network ", "network"),
        ("code-interpreter:session-timeout", "session-timeout-seconds"),
    ],
)
def test_fails_on_a_key_that_looks_like_a_setting_with_the_right_spelling(
    key: str, meant: str
) -> None:
    meaning = f"did you mean 'code-interpreter:{meant}'? docs/settings.md has all"
    message = f"context key '{key}' is unknown; {meaning}"
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        Settings.from_context({key: "public"})


def test_fails_on_a_key_that_looks_like_no_setting_with_all_of_them() -> None:
    message = "context key 'code-interpreter:xyz' is unknown; allowed after 'code-interpreter:': "
    with pytest.raises(SettingsError, match=f"^{message}{', '.join(KEYS)}$"):
        Settings.from_context({"code-interpreter:xyz": "public"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"subnet_ids": SUBNETS[0]}, "subnet-ids' is given, but .*network' is 'sandbox'; set"),
        ({"vpc_internet": True}, "vpc-internet' is given, but .*network' is 'sandbox'; set"),
        ({"filesystems": [FILESYSTEM]}, "filesystems' is given, but .*network' is 'sandbox'"),
        (
            {"warm_spare": True, "session_timeout_seconds": 599},
            "warm-spare' is given, but .*session-timeout-seconds' is 599; set .* to 600 or more",
        ),
        ({"sealed_links": True}, "sealed-links' is given, but .*'sandbox'; set .* to 'sealed'"),
        ({"network": "vpc", "sealed_data_path": False}, "sealed-data-path' is given, but .*'vpc'"),
        ({"s3_prefix_list_id": "pl-63a5400a"}, "s3-prefix-list-id' is given, but .*'sandbox'"),
        ({"network": "sealed", "vpc_internet": True}, "vpc-internet' is given, but .*'sealed'"),
        ({"network": "vpc", "vpc_id": VPC["vpc_id"]}, "subnet-ids' is not; give .*subnet-ids'"),
        ({"network": "vpc", "subnet_ids": SUBNETS[0]}, "vpc-id' is not; give .*vpc-id', too"),
        (
            {"network": "vpc", "security_group_ids": "sg-0123456789abcdef0"},
            "vpc-id' is not; give .*vpc-id', too",
        ),
        ({**VPC, "vpc_internet": True}, "so is 'code-interpreter:vpc-id'; remove .*vpc-id'"),
        (
            {"execution_role_arn": ROLE, "managed_policy_arns": POLICY},
            "so is 'code-interpreter:managed-policy-arns'; remove",
        ),
        ({"region": "eu-west-1", "kms_key_arn": KEY}, "must be of eu-west-1, because .*region' is"),
        (
            {"region": "eu-west-1", "alarms": True, "alarm_topic_arn": TOPIC},
            "alarm-topic-arn' is .* must be of eu-west-1",
        ),
        (
            {"region": "eu-west-1", "certificate_secret_arns": SECRET},
            "certificate-secret-arns' is .* must be of eu-west-1",
        ),
        (
            {**VPC, "region": "eu-west-1", "filesystems": [FILESYSTEM]},
            "filesystems' is .* must be of eu-west-1",
        ),
        ({"network": "sealed", "region": "eu-west-9"}, "region' is 'eu-west-9'.*one of ap-"),
        ({"network": "vpc", "region": "eu-west-9"}, "region' is 'eu-west-9'.*one of ap-"),
        (
            {"network": "sealed", "region": "eu-south-1"},
            "region' is 'eu-south-1'.*or 'code-interpreter:s3-prefix-list-id' given",
        ),
        ({"function_vpc_id": VPC["vpc_id"]}, "function-subnet-ids' is not; give"),
        ({"function_subnet_ids": SUBNETS[0]}, "function-vpc-id' is not; give"),
        (
            {"function_security_group_ids": "sg-0123456789abcdef0"},
            "function-vpc-id' is not; give .*function-vpc-id', too",
        ),
        ({"alarm_email": "ops@example.com"}, "alarms' is false; set .*alarms' to true"),
        ({"alarm_topic_arn": TOPIC, "alarms": False}, "alarms' is false; set .*alarms' to true"),
        ({"service_logs": "usage"}, "alarms' is false; set .*alarms' to true"),
        (
            {"alarms": True, "alarm_email": "ops@example.com", "alarm_topic_arn": TOPIC},
            "alarm-topic-arn' is given, but so is .*alarm-email'",
        ),
        (
            {"workspace_versioning": True, "workspace_bucket_name": "theirs"},
            "workspace-versioning' is given, but so is .*workspace-bucket-name'",
        ),
        (
            {"access_log_bucket_name": "logs", "workspace_bucket_name": "theirs"},
            "access-log-bucket-name' is given, but so is .*workspace-bucket-name'",
        ),
        (
            {"compliance": True},
            "compliance' is given, but without .*kms-key-arn', .*function-vpc-id', .*"
            "function-reserved-concurrency', .*access-log-bucket-name'; give",
        ),
        (
            {**COMPLIANCE, "workspace_bucket_name": "theirs", "alarms": True},
            "compliance' is given, but without '[^,]*alarm-topic-arn' or '[^,]*alarm-email'; give",
        ),
        (
            {**COMPLIANCE, "access_log_bucket_name": "logs", "workspace_versioning": False},
            "compliance' is given, but .*workspace-versioning' is false; remove",
        ),
        (
            {"network": "vpc", "region": "xx-nowhere-9"},
            "region' is 'xx-nowhere-9', but it must be one of",
        ),
    ],
)
def test_fails_on_settings_that_do_not_go_together(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings(**given)


@pytest.mark.parametrize(
    "given", [{"s3_prefix_list_id": "pl-63a5400a"}, {"sealed_data_path": False}]
)
def test_a_sealed_network_in_a_region_whose_prefix_list_is_unknown(given: dict[str, Any]) -> None:
    assert settings(network="sealed", region="eu-south-1", **given).region == "eu-south-1"


def test_compliance_needs_no_log_bucket_for_a_bucket_of_others() -> None:
    assert settings(**COMPLIANCE, workspace_bucket_name="theirs").compliance


def test_the_stack_of_a_new_network_has_a_name_of_its_own() -> None:
    assert settings().network_stack_name == "CodeInterpreterNetwork"
    assert settings(stack_name="Analysis").network_stack_name == "AnalysisNetwork"
