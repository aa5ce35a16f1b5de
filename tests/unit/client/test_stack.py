"""The region and the credentials, as the environment names them."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from code_interpreter_client.aws_errors import unavailable
from code_interpreter_client.stack import boto3_session


@pytest.mark.parametrize(
    ("variables", "given", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, None, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, None, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, None, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1"}, "us-east-2", "us-east-2"),
        ({}, None, None),
    ],
)
def test_the_region_of_other_sdks_counts_too(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    given: str | None,
    expected: str | None,
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert boto3_session(region=given).region_name == expected


@pytest.mark.parametrize(
    ("endpoint", "remedy"),
    [
        ("http://127.0.0.1:4611/", "start it with make local PORT=4611"),
        ("http://localhost:4566/2015-03-31/functions", "start it with make local PORT=4566"),
        ("https://lambda.eu-west-1.amazonaws.com/", "check the network"),
    ],
)
def test_a_local_aws_that_does_not_run_is_told(endpoint: str, remedy: str) -> None:
    error = unavailable(EndpointConnectionError(endpoint_url=endpoint), "the function f")
    assert error is not None
    assert remedy in error.message
