"""Names that both the library and a Lambda function have, since neither imports the other."""

from __future__ import annotations

from cdk_code_interpreter._private import permissions
from code_interpreter_control import event
from code_interpreter_invoke.requests import gateway


def test_the_control_function_sets_the_tag_that_its_policy_names() -> None:
    assert permissions.STACK_TAG == event.STACK_TAG


def test_the_invoke_function_reads_the_header_that_a_gateway_target_allows() -> None:
    assert permissions.SESSION_HEADER == gateway.SESSION_HEADER
