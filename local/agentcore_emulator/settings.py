"""What can be set: quotas, delays, and every behaviour the service does not document.

A field marked *undocumented* stands for something AWS does not say and nobody has published.
Its default is one possibility, chosen to be the hardest on a client; code that is to work
against the real service must not depend on any of them.
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
    """Where the sessions' directories are made; None is a temporary one, removed at shutdown."""

    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    """How sandboxes run code."""

    default_account: str = "000000000000"
    """The account of a caller whose access key says none."""

    default_region: str = "us-east-1"
    """The region of a request that is not signed."""

    # How long the control plane takes.

    create_seconds: float = 0.2
    """From CREATING to READY (or CREATE_FAILED)."""

    ready_after_delete_seconds: float = 0.1
    """How long Get still says READY after a 202 from Delete, as Terraform's waiter allows for."""

    delete_seconds: float = 0.2
    """From DELETING to gone (or DELETE_FAILED)."""

    # Quotas, as the service's quotas page has them.

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
    """Measured by others, not on the quotas page; the next call gets a quota error."""

    payload_bytes: int = 100_000_000
    """The largest request body."""

    synchronous_seconds: float = 900
    """The longest Invoke. What the caller sees then is undocumented: here an
    `internalServerException` in the stream."""

    session_record_seconds: float = 30 * 86_400
    """How long an ended session can still be read and listed."""

    # Undocumented behaviour.

    client_token_seconds: float = 86_400
    """Undocumented: how long a clientToken is remembered."""

    delete_with_ready_sessions: Literal["conflict", "terminate"] = "conflict"
    """Undocumented: Delete of an interpreter that has READY sessions is refused with a
    ConflictException, or ends the sessions."""

    delete_while_deleting: Literal["accept", "conflict"] = "conflict"
    """Undocumented: a second Delete, with another clientToken, before the first has finished."""

    start_while_not_ready: Literal[
        "ConflictException", "ResourceNotFoundException", "ValidationException"
    ] = "ConflictException"
    """Undocumented: Start on an interpreter that exists but is not READY."""

    stop_ended_session: Literal["accept", "not_found"] = "not_found"
    """Undocumented: Stop on a session that is already TERMINATED."""

    invoke_without_session: Literal["ResourceNotFoundException", "ValidationException"] = (
        "ValidationException"
    )
    """Undocumented: Invoke without the session header, which the model allows."""

    accept_arn_as_identifier: bool = False
    """Undocumented: whether data operations take an ARN where everybody passes the id."""

    refuse_service_s3_endpoint: bool = True
    """Undocumented: whether `vpcConfig.requireServiceS3Endpoint`, documented to be for Runtimes
    only, is refused or ignored."""
