"""Evaluate `${*}`, `${?}` and `${$}` in IAM policies as the characters that they stand for.

The gap: MiniStack takes the asterisk of `${*}` for a wildcard. Source: "IAM policy elements:
Variables and tags", IAM user guide, "Predefined policy variables with fixed values".
"""

from __future__ import annotations

import functools
import re

from ministack.core import iam_evaluator

from local_aws.ministack_patches.requirements import require

TOKEN = re.compile(r"\$\{[*?$]\}|.", re.DOTALL)
WILDCARDS = {"*": ".*", "?": "."}


def install() -> None:
    """Replace the function that makes a regular expression of a pattern."""
    require(iam_evaluator, ["_fnmatch_compile"])
    iam_evaluator._fnmatch_compile = compile_pattern


@functools.lru_cache(4096)
def compile_pattern(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = [
        WILDCARDS.get(token) or re.escape(token[2] if len(token) > 1 else token)
        for token in TOKEN.findall(pattern)
    ]
    return re.compile(f"^{''.join(parts)}$", re.IGNORECASE if ignore_case else 0)
