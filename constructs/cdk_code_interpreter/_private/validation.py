"""Checks of the properties that the constructs take.

Tokens pass, because their values are unknown at synthesis.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, Token
from constructs import IConstruct

from ..function_settings import FunctionSettings, LogSettings
from ..limits import (
    MAX_DESCRIPTION_LENGTH,
    MAX_FUNCTION_MEMORY,
    MAX_NAME_LENGTH,
    MAX_TAG_KEY_LENGTH,
    MAX_TAG_VALUE_LENGTH,
    MAX_TAGS,
    MIN_FUNCTION_MEMORY,
    NAME_PATTERN,
    TAG_PATTERN,
)


def check_name(name: str) -> None:
    if not Token.is_unresolved(name) and not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(
            f"name is {name!r}, but it must be 1 to {MAX_NAME_LENGTH} letters, digits and "
            "underscores, and begin with a letter; change it, or leave it out for a generated name"
        )


def check_description(description: str) -> None:
    if not Token.is_unresolved(description) and not (
        1 <= len(description) <= MAX_DESCRIPTION_LENGTH
    ):
        raise ValueError(
            f"description has {len(description)} characters, but it must have 1 to "
            f"{MAX_DESCRIPTION_LENGTH}; shorten it, or leave it out"
        )


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise ValueError(
            f"{len(tags)} tags are given, but a code interpreter takes at most {MAX_TAGS}; "
            "remove some"
        )
    for key, value in tags.items():
        if Token.is_unresolved(key):
            raise ValueError(
                f"tag key {key!r} is not known before the deployment, but a template cannot hold "
                "such a key; write it out"
            )
        _check_tag(f"tag key {key!r}", key, 1, MAX_TAG_KEY_LENGTH)
        _check_tag(f"value {value!r} of tag {key!r}", value, 0, MAX_TAG_VALUE_LENGTH)
        if key.lower().startswith("aws:"):
            raise ValueError(f"tag key {key!r} begins with 'aws:', which AWS reserves; rename it")


def check_memory_size(memory_size: float) -> None:
    check_whole_number(
        "memory_size", memory_size, MIN_FUNCTION_MEMORY, MAX_FUNCTION_MEMORY, " (MiB)"
    )


def check_whole_number(
    name: str, number: float, lowest: int, highest: float = math.inf, unit: str = ""
) -> None:
    if Token.is_unresolved(number):
        return
    if not lowest <= number <= highest or number != int(number):
        allowed = f"{lowest} or more" if highest == math.inf else f"{lowest} to {highest}"
        raise ValueError(
            f"{name} is {number}, but it must be a whole number, {allowed}{unit}; change it"
        )


def check_removal_policy(policy: RemovalPolicy, name: str = "removal_policy") -> None:
    if policy == RemovalPolicy.SNAPSHOT:
        raise ValueError(
            f"{name} is RemovalPolicy.SNAPSHOT, but AWS takes no snapshot of this resource; "
            "pass RemovalPolicy.DESTROY or RemovalPolicy.RETAIN"
        )


def check_function_settings(settings: FunctionSettings, log_group: object) -> None:
    of_log = LogSettings.__annotations__.keys() & settings.keys()
    if log_group is not None and of_log:
        raise ValueError(
            f"{', '.join(sorted(of_log))} cannot be given together with log_group, which keeps its "
            "own settings; leave out one or the other"
        )
    if "log_removal_policy" in settings:
        check_removal_policy(settings["log_removal_policy"], "log_removal_policy")
    if "reserved_concurrent_executions" in settings:
        check_whole_number(
            "reserved_concurrent_executions", settings["reserved_concurrent_executions"], 0
        )
    if "function_name" in settings:
        check_pattern(
            "function_name",
            settings["function_name"],
            "[a-zA-Z0-9_-]{1,64}",
            "1 to 64 letters, digits, - and _",
        )
    for setting in ("allow_all_outbound", "security_groups", "vpc_subnets"):
        if setting in settings and "vpc" not in settings:
            raise ValueError(f"{setting} is given, but vpc is not; pass vpc=, or leave it out")
    if "allow_all_outbound" in settings and "security_groups" in settings:
        raise ValueError(
            "allow_all_outbound and security_groups are given, but the security groups have their "
            "own rules; leave out one of them"
        )


def check_free_id(scope: IConstruct, construct_id: str) -> None:
    if scope.node.try_find_child(construct_id) is not None:
        raise ValueError(
            f"construct_id {construct_id!r} is taken in {scope.node.path!r}; pass another "
            "construct_id="
        )


def check_pattern(name: str, text: str, pattern: str, allowed: str) -> None:
    """Check text against a pattern, which `allowed` describes in the message."""
    if not Token.is_unresolved(text) and not re.fullmatch(pattern, text):
        raise ValueError(f"{name} is {text!r}, but it must be {allowed}; change it")


def check_duration(name: str, duration: Duration, max_seconds: int) -> None:
    if duration.is_unresolved():
        _check_unit(name, duration, "seconds")
        return
    seconds = duration.to_seconds(integral=False)
    if not 1 <= seconds <= max_seconds or seconds != int(seconds):
        raise ValueError(
            f"{name} is {seconds} s, but it must be 1 to {max_seconds} s, and whole; change it"
        )


def check_days(name: str, duration: Duration) -> None:
    if duration.is_unresolved():
        _check_unit(name, duration, "days")
        return
    days = duration.to_days(integral=False)
    if days < 1 or days != int(days):
        raise ValueError(
            f"{name} is {duration.to_human_string()}, but it must be one or more whole days; "
            "change it"
        )


def _check_unit(name: str, duration: Duration, unit: str) -> None:
    """Check the unit of a token, which cannot be converted."""
    if duration.unit_label() != unit:
        raise ValueError(
            f"{name} is a number of {duration.unit_label()} that is not known before the "
            f"deployment; give it as Duration.{unit}()"
        )


def _check_tag(name: str, text: str, min_length: int, max_length: int) -> None:
    if Token.is_unresolved(text):
        return
    if not min_length <= len(text) <= max_length or not re.fullmatch(TAG_PATTERN, text):
        raise ValueError(
            f"{name} is not allowed: it must be {min_length} to {max_length} letters, digits, "
            "spaces and . _ : / = + @ -; change it"
        )
