from __future__ import annotations

from typing import Any

import pytest

from stacks.settings import Settings, SettingsError


def settings(**context: Any) -> Settings:
    return Settings.from_context(
        {f"code-interpreter:{key.replace('_', '-')}": value for key, value in context.items()}
    )


def test_nothing_needs_to_be_given() -> None:
    assert Settings.from_context({}) == Settings()


def test_other_peoples_context_is_left_alone() -> None:
    assert Settings.from_context({"@aws-cdk/core:x": True, "network": "public"}) == Settings()


@pytest.mark.parametrize(
    ("key", "given", "read"),
    [
        ("name", "mine", "mine"),
        ("description", "one\ntwo", "one\ntwo"),
        ("network", "public", "public"),
        ("tags", {"team": "data"}, {"team": "data"}),
        ("tags", "team=data,stage=a=b", {"team": "data", "stage": "a=b"}),
        ("session_timeout_seconds", 28800, 28800),
        ("session_timeout_seconds", "1", 1),
        ("function_memory_mib", "10240", 10240),
        ("function_timeout_seconds", 900, 900),
        ("workspace_retention", "destroy", "destroy"),
        ("workspace_expiration_days", "7", 7),
    ],
)
def test_values_are_read_from_cdk_json_and_from_the_command_line(
    key: str, given: Any, read: Any
) -> None:
    assert getattr(settings(**{key: given}), key) == read


@pytest.mark.parametrize(
    ("key", "given", "allowed"),
    [
        ("name", "my-name", "1 to 48 letters"),
        ("name", 3, "1 to 48 letters"),
        ("description", "", "1 to 4096 characters"),
        ("network", "internet", "one of sandbox, public"),
        ("network", ["public"], "one of sandbox, public"),
        ("tags", "team", "an object of texts"),
        ("tags", {"team": 1}, "an object of texts"),
        ("session_timeout_seconds", 28801, "from 1 to 28800"),
        ("session_timeout_seconds", 0, "from 1 to 28800"),
        ("session_timeout_seconds", True, "from 1 to 28800"),
        ("session_timeout_seconds", 1.5, "from 1 to 28800"),
        ("session_timeout_seconds", "-1", "from 1 to 28800"),
        ("session_timeout_seconds", "", "from 1 to 28800"),
        ("function_memory_mib", 64, "from 128 to 10240"),
        ("workspace_retention", "keep", "one of retain, destroy"),
        ("workspace_expiration_days", None, "from 1 to 3650"),
    ],
)
def test_fails_with_the_key_the_value_and_what_is_allowed(
    key: str, given: Any, allowed: str
) -> None:
    with pytest.raises(SettingsError) as error:
        settings(**{key: given})
    text = str(error.value)
    assert f"'code-interpreter:{key.replace('_', '-')}' is {given!r}, but it must be" in text
    assert allowed in text


def test_fails_on_an_unknown_key_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match="did you mean 'code-interpreter:network'"):
        settings(netwrok="public")
