"""A value for each setting of an undocumented behaviour, other than its default."""

from __future__ import annotations

from typing import Any

CHANGED_SETTINGS: dict[str, Any] = {
    "absolute_paths": "strip",
    "accept_arn_as_identifier": True,
    "check_mounts": "start",
    "client_token_seconds": 60,
    "command_input": "terminal",
    "default_language": "javascript",
    "delete_while_deleting": "accept",
    "echo_last_expression": False,
    "failed_task_status": "completed",
    "home": "separate",
    "hook_output": False,
    "image_blocks": True,
    "initial_entries": ["something-new"],
    "invoke_without_session": "ResourceNotFoundException",
    "javascript_colours": "as_the_runtime",
    "missing_file": "omit",
    "mount_not_allowed": "ValidationException",
    "output_bytes": 1_000_000,
    "refuse_service_s3_endpoint": False,
    "region_variables": True,
    "remove_folders": False,
    "resource_type": False,
    "role_not_assumable": "ValidationException",
    "resource_tags": "at_once",
    "role_source": "id",
    "start_while_not_ready": "ResourceNotFoundException",
    "stop_ended_session": "accept",
    "stripped_end": "newline",
    "traceback": "last_line",
}
