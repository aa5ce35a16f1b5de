"""Limits that the constructs check, from AWS's API models and service quotas.

They are here for apps that check their own settings before any construct is defined.
"""

from __future__ import annotations

# CreateCodeInterpreter, Amazon Bedrock AgentCore control plane API reference.
NAME_PATTERN = "[a-zA-Z][a-zA-Z0-9_]{0,47}"
MAX_NAME_LENGTH = 48
# A name, a hyphen and ten characters; a number that AWS may change.
CODE_INTERPRETER_ID_PATTERN = f"{NAME_PATTERN}-[a-zA-Z0-9]+"
MAX_DESCRIPTION_LENGTH = 4096
MAX_CERTIFICATES = 200
MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 16
MAX_FILESYSTEMS_OF_A_KIND = 2
# A directory one level below /mnt, without the slash that may follow it. The model also allows the
# names . and .., which are other directories.
MOUNT_PATH_PATTERN = r"/mnt/(?!\.{1,2}/?$)[a-zA-Z0-9._-]{1,195}"
MAX_MOUNT_PATH_LENGTH = 200

# TagResource of the same API. A code interpreter can have 50 tags; the control function adds three.
MAX_TAGS = 47
MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256
# The model's blanks are those of ASCII.
TAG_PATTERN = r"(?a:[a-zA-Z0-9\s._:/=+@-]*)"

# StartCodeInterpreterSession: seconds from a session's start to its end, however busy it is.
MAX_SESSION_SECONDS = 28_800

# The sweeper looks every 5 minutes. A warm spare is replaced within a quarter of its life, in which
# the schedule has to come by.
MIN_IDLE_LIMIT = 300
MIN_SESSION_OF_SPARES = 600

# The invoke function's event: the caller's own name for a session.
SESSION_NAME_PATTERN = "[A-Za-z0-9_-]{1,64}"

# "Lambda quotas", AWS Lambda developer guide: MiB, and seconds that one invocation may take (1,800
# since 2026-11-19, 900 before).
MIN_FUNCTION_MEMORY = 128
MAX_FUNCTION_MEMORY = 10_240
MAX_FUNCTION_SECONDS = 1_800

# The workspace: the first part of its keys, in the characters that "Naming Amazon S3 objects",
# Amazon S3 user guide, calls safe, but without * (a wildcard in policies) and the parts . and ..
# (which clients resolve in URLs). The invoke function's records have a first part of their own.
_PREFIX_PART = r"(?!\.{1,2}(/|$))[A-Za-z0-9!_.'()-]+"
WORKSPACE_PREFIX_PATTERN = f"{_PREFIX_PART}(/{_PREFIX_PART})*"
SESSION_RECORDS = "sessions"

# AWS creates one list in each region, and CloudFormation has no attribute for its id. The ids are
# those that `aws ec2 describe-managed-prefix-lists` reports for com.amazonaws.<region>.s3, in
# outputs that users of these regions have published.
S3_PREFIX_LISTS = {
    "ap-northeast-1": "pl-61a54008",
    "ap-northeast-2": "pl-78a54011",
    "ap-south-1": "pl-78a54011",
    "ap-southeast-1": "pl-6fa54006",
    "ap-southeast-2": "pl-6ca54005",
    "ca-central-1": "pl-7da54014",
    "eu-central-1": "pl-6ea54007",
    "eu-north-1": "pl-c3aa4faa",
    "eu-west-1": "pl-6da54004",
    "eu-west-2": "pl-7ca54015",
    "eu-west-3": "pl-23ad484a",
    "sa-east-1": "pl-6aa54003",
    "us-east-1": "pl-63a5400a",
    "us-east-2": "pl-7ba54012",
    "us-west-2": "pl-68a54001",
}
