from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.assertions import Match

if TYPE_CHECKING:
    from .conftest import Synthesise


def test_outputs_name_everything_a_user_needs(synthesise: Synthesise) -> None:
    assert synthesise().find_outputs("*").keys() == {
        "CodeInterpreterId",
        "CodeInterpreterArn",
        "InvokeFunctionName",
        "InvokeFunctionArn",
        "WorkspaceBucketName",
    }


def test_settings_reach_the_resources(synthesise: Synthesise) -> None:
    template = synthesise(
        name="mine",
        description="for tests",
        network="public",
        tags={"team": "data"},
        session_timeout_seconds=60,
        function_memory_mib=512,
        function_timeout_seconds=30,
        workspace_retention="destroy",
        workspace_expiration_days=7,
    )
    template.has_resource_properties(
        "Custom::CodeInterpreter",
        {
            "Name": "mine",
            "Description": "for tests",
            "NetworkConfiguration": {"NetworkMode": "PUBLIC"},
            "Tags": {"team": "data"},
        },
    )
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "code_interpreter_invoke.handler.handler",
            "MemorySize": 512,
            "Timeout": 30,
            "Environment": {"Variables": {"SESSION_TIMEOUT_SECONDS": "60"}},
        },
    )
    template.has_resource(
        "AWS::S3::Bucket",
        {
            "DeletionPolicy": "Delete",
            "Properties": {
                "LifecycleConfiguration": {
                    "Rules": Match.array_with([Match.object_like({"ExpirationInDays": 7})])
                }
            },
        },
    )
