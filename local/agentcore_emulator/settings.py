"""The emulator's settings: quotas, delays, and every behaviour that AWS does not document.

A field marked *undocumented* is a behaviour that AWS does not describe and nobody has published.
Its default is the possibility that is hardest on a client. Code for the real service must not
depend on these defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agentcore_emulator.sandbox import SandboxSettings


@dataclass(frozen=True, kw_only=True)
class EmulatorSettings:
    """The emulator's settings. Times are seconds on the emulator's clock, sizes are bytes."""

    directory: Path | None = None
    """Holds the sessions' directories. None means a temporary directory, removed at shutdown."""

    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    """How sandboxes run code."""

    default_account: str = "000000000000"
    """The account of a caller whose access key is not an account id."""

    default_region: str = "us-east-1"
    """The region of an unsigned request."""

    # How long the control plane takes.

    create_seconds: float = 0.2
    """From CREATING to READY (or CREATE_FAILED)."""

    ready_after_delete_seconds: float = 0.1
    """How long Get still returns READY after a 202 from Delete, as Terraform's waiter expects."""

    delete_seconds: float = 0.2
    """From DELETING to the end of the interpreter (or DELETE_FAILED)."""

    # Quotas, from the service's quotas page.

    enforce_quotas: bool = False
    """Whether `sessions_per_account` and `interpreters_per_account` are enforced."""

    enforce_rates: bool = False
    """Whether `writes_per_second` and `calls_per_second` are enforced."""

    sessions_per_account: int = 1000
    """READY sessions of one account in one region."""

    interpreters_per_account: int = 1000
    """Custom code interpreters of one account in one region."""

    writes_per_second: int = 5
    """Create and Delete of code interpreters, each."""

    calls_per_second: int = 30
    """Every other operation, each."""

    calls_in_flight_per_session: int = 10
    """Published measurements, not the quotas page; the next call gets a quota error."""

    payload_bytes: int = 100_000_000
    """The largest request body."""

    synchronous_seconds: float = 900
    """The longest Invoke. How it then fails is undocumented: here with an
    `internalServerException` in the stream."""

    session_record_seconds: float = 30 * 86_400
    """How long Get and List still return an ended session."""

    delete_with_ready_sessions: Literal["conflict", "terminate"] = "conflict"
    """Whether Delete of an interpreter with READY sessions fails with a ConflictException, as a
    report from an account says, or ends the sessions."""

    # Undocumented behaviour.

    client_token_seconds: float = 86_400
    """Undocumented: how long the service remembers a clientToken."""

    delete_while_deleting: Literal["accept", "conflict"] = "conflict"
    """Undocumented: a second Delete, with another clientToken, before the first has finished."""

    check_mounts: Literal["create_and_start", "start"] = "create_and_start"
    """Undocumented: whether Create checks that the execution role may mount its filesystems, and
    whether both it and Start check that the role may describe the access point and the mount
    targets, as users of AgentCore Runtime report; or whether Start alone checks the mount."""

    mount_not_allowed: Literal["AccessDeniedException", "ValidationException"] = (
        "AccessDeniedException"
    )
    """Undocumented: the error of Start if the execution role may not mount a filesystem."""

    role_not_assumable: Literal["AccessDeniedException", "ValidationException"] = (
        "AccessDeniedException"
    )
    """Undocumented: the error of Start if the execution role has gone since Create, or no longer
    trusts the service."""

    resource_tags: Literal["at_once", "once_ready", "never"] = "once_ready"
    """Undocumented: whether policies see a code interpreter's tags in `aws:ResourceTag` from Create
    on, only once it has been READY, or not at all. The developer guide calls the support of tags
    partial."""

    role_source: Literal["id", "id_and_name"] = "id_and_name"
    """Undocumented: the `aws:SourceArn` with which Create validates the execution role. It is the
    ARN with the interpreter's id, or the trust policy must allow the ARN that ends with the name,
    too, because the service may validate the role before there is an id."""

    region_variables: bool = False
    """Undocumented: whether the sandbox's programs have AWS_REGION and AWS_DEFAULT_REGION. One
    published measurement found no AWS_REGION: a program names its region, but for Amazon S3."""

    start_while_not_ready: Literal[
        "ConflictException", "ResourceNotFoundException", "ValidationException"
    ] = "ConflictException"
    """Undocumented: the error of Start on an interpreter that exists but is not READY."""

    stop_ended_session: Literal["accept", "not_found"] = "not_found"
    """Undocumented: Stop on a session that is already TERMINATED."""

    invoke_without_session: Literal["ResourceNotFoundException", "ValidationException"] = (
        "ValidationException"
    )
    """Undocumented: the error of Invoke without the session header, which the model allows."""

    accept_arn_as_identifier: bool = False
    """Undocumented: whether data operations accept an ARN in the place of the id."""

    refuse_service_s3_endpoint: bool = True
    """Undocumented: whether the service refuses or ignores `vpcConfig.requireServiceS3Endpoint`,
    which is documented for Runtimes only."""
