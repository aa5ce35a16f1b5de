from __future__ import annotations

import pytest

from code_interpreter_invoke.settings import Settings

COMPLETE = {
    "CODE_INTERPRETER_ID": "analysis-0123456789",
    "WORKSPACE_BUCKET": "bucket",
    "WORKSPACE_PREFIX": "a/b",
    "RECORDS_PREFIX": "sessions/a/b/Stack.c8/",
    "SESSION_TIMEOUT_SECONDS": "900",
}


def test_the_environment_is_read() -> None:
    assert Settings.from_environment(COMPLETE) == Settings(
        code_interpreter_id="analysis-0123456789",
        workspace_bucket="bucket",
        workspace_prefix="a/b",
        records_prefix="sessions/a/b/Stack.c8/",
        session_timeout_seconds=900,
        iam_propagation_seconds=400,
    )


def test_the_time_of_iam_can_be_shortened() -> None:
    """The local AWS does: its IAM has no delay."""
    settings = Settings.from_environment({**COMPLETE, "IAM_PROPAGATION_SECONDS": "0"})
    assert settings.iam_propagation_seconds == 0


@pytest.mark.parametrize(
    ("value", "allowed"), [("true", True), ("false", False), ("", False), ("yes", False)]
)
def test_files_are_deleted_only_where_the_deployment_says_so(value: str, allowed: bool) -> None:
    settings = Settings.from_environment({**COMPLETE, "ALLOW_DELETE": value})
    assert settings.allow_delete is allowed


@pytest.mark.parametrize(("value", "allowed"), [(None, True), ("true", True), ("false", False)])
def test_links_are_signed_unless_the_deployment_says_no(value: str | None, allowed: bool) -> None:
    environment = {**COMPLETE, **({} if value is None else {"ALLOW_LINKS": value})}
    assert Settings.from_environment(environment).allow_links is allowed


def test_the_prefix_has_a_default() -> None:
    environment = {name: COMPLETE[name] for name in COMPLETE if name != "WORKSPACE_PREFIX"}
    assert Settings.from_environment(environment).workspace_prefix == "workspace"


@pytest.mark.parametrize(
    "name",
    ["CODE_INTERPRETER_ID", "WORKSPACE_BUCKET", "RECORDS_PREFIX", "SESSION_TIMEOUT_SECONDS"],
)
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not set"):
        Settings.from_environment({**COMPLETE, name: ""})


@pytest.mark.parametrize("value", ["0", "28801", "-1", "1.5", "fifteen", "٣"])
def test_the_session_timeout_is_within_the_limits_of_the_service(value: str) -> None:
    with pytest.raises(ValueError, match=r"SESSION_TIMEOUT_SECONDS .* from 1 to 28800"):
        Settings.from_environment({**COMPLETE, "SESSION_TIMEOUT_SECONDS": value})
