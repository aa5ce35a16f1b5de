"""The control plane: code interpreters, their life cycle and their tags."""

from __future__ import annotations

import secrets
import string
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from agentcore_emulator.model.errors import (
    AccessDeniedError,
    ConflictError,
    ResourceNotFoundError,
    ServiceQuotaExceededError,
    ValidationError,
    refuse_field,
)
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.idempotency import ClientTokens
from agentcore_emulator.service.owner import SYSTEM_INTERPRETER_ID, Owner
from agentcore_emulator.service.paging import page
from agentcore_emulator.service.roles import ExecutionRoles, not_mountable
from agentcore_emulator.settings import EmulatorSettings

SYSTEM_INTERPRETER_NAME = "Amazon Bedrock AgentCore Code Interpreter"
# The developer guide, "Resource management", "System ARNs".
SYSTEM_INTERPRETER_DESCRIPTION = "AWS built-in code interpreter for secure code execution"

# The most of each kind in a request, from the API model's documentation.
MAXIMUM_FILESYSTEMS_OF_A_KIND = 2

# The API model's limit on tags of a resource.
MAXIMUM_TAGS = 50

ID_TAIL = string.ascii_letters + string.digits

# The members of Create that Get returns unchanged.
CONFIGURATION = (
    "name",
    "description",
    "executionRoleArn",
    "networkConfiguration",
    "certificates",
    "filesystemConfigurations",
)


class Outcomes(Protocol):
    """The failures that long-running operations end in; None is success."""

    def create_failure(self) -> str | None: ...

    def delete_failure(self) -> str | None: ...


@dataclass
class CodeInterpreterRecord:
    """One code interpreter. Its status follows from its moments and the clock."""

    owner: Owner
    id: str
    configuration: dict[str, Any]
    created_at: datetime
    settled_at: datetime
    failure: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    delete_requested_at: datetime | None = None
    deleting_at: datetime | None = None
    gone_at: datetime | None = None
    delete_failure: str | None = None

    @property
    def arn(self) -> str:
        return self.owner.interpreter_arn(self.id)

    def is_gone(self, now: datetime) -> bool:
        return self.gone_at is not None and now >= self.gone_at and self.delete_failure is None

    def status(self, now: datetime) -> str:
        if self.deleting_at is not None and self.gone_at is not None and now >= self.deleting_at:
            return "DELETING" if now < self.gone_at else "DELETE_FAILED"
        if now < self.settled_at:
            return "CREATING"
        return "CREATE_FAILED" if self.failure else "READY"

    def has_been_ready(self, now: datetime) -> bool:
        return now >= self.settled_at and not self.failure

    def is_usable(self, now: datetime) -> bool:
        """Return whether sessions can start: READY, and no Delete has been requested."""
        return self.status(now) == "READY" and self.delete_requested_at is None

    def last_updated_at(self, now: datetime) -> datetime:
        moments = (self.created_at, self.settled_at, self.deleting_at, self.gone_at)
        return max(moment for moment in moments if moment is not None and moment <= now)


class ControlPlane:
    """The seven control operations, on the interpreters of every owner."""

    def __init__(
        self,
        settings: EmulatorSettings,
        clock: ServiceClock,
        outcomes: Outcomes,
        roles: ExecutionRoles,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._outcomes = outcomes
        self._roles = roles
        self._tokens = ClientTokens(clock, settings.client_token_seconds)
        self._interpreters: dict[tuple[Owner, str], CodeInterpreterRecord] = {}
        self._started_at = clock.now()
        self._release_sessions: Callable[[CodeInterpreterRecord], Awaitable[None]] = no_sessions

    def on_delete(
        self, release_sessions: Callable[[CodeInterpreterRecord], Awaitable[None]]
    ) -> None:
        """Have a function end an interpreter's sessions, or refuse, before each delete."""
        self._release_sessions = release_sessions

    def all(self) -> list[CodeInterpreterRecord]:
        """Return every custom interpreter that still exists, of every owner."""
        now = self._clock.now()
        self._interpreters = {
            key: interpreter
            for key, interpreter in self._interpreters.items()
            if not interpreter.is_gone(now)
        }
        return list(self._interpreters.values())

    def find(self, owner: Owner, interpreter_id: str) -> CodeInterpreterRecord:
        """Return an interpreter of the owner, or the interpreter that AWS owns.

        :raises ResourceNotFoundError: if the interpreter does not exist.
        """
        if interpreter_id == SYSTEM_INTERPRETER_ID:
            return self._system_interpreter(owner)
        interpreter = self._interpreters.get((owner, interpreter_id))
        if interpreter is None or interpreter.is_gone(self._clock.now()):
            raise ResourceNotFoundError(f"CodeInterpreter {interpreter_id} does not exist")
        return interpreter

    def tags_in_policies(self, owner: Owner, interpreter_id: str) -> dict[str, str]:
        """Return the tags that IAM evaluates for an interpreter.

        :raises ResourceNotFoundError: if the interpreter does not exist.
        """
        interpreter = self.find(owner, interpreter_id)
        match self._settings.resource_tags:
            case "at_once":
                are_seen = True
            case "once_ready":
                are_seen = interpreter.has_been_ready(self._clock.now())
            case "never":
                are_seen = False
        return interpreter.tags if are_seen else {}

    async def create_code_interpreter(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        check_network(params["networkConfiguration"], self._settings)
        check_filesystems(
            params.get("filesystemConfigurations", []),
            network_mode=params["networkConfiguration"]["networkMode"],
            has_role="executionRoleArn" in params,
        )
        return await self._tokens.once(
            owner, "CreateCodeInterpreter", params, lambda: self._create(owner, params)
        )

    async def get_code_interpreter(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        interpreter = self.find(owner, params["codeInterpreterId"])
        now = self._clock.now()
        output = {
            "codeInterpreterId": interpreter.id,
            "codeInterpreterArn": interpreter.arn,
            "status": interpreter.status(now),
            "createdAt": interpreter.created_at,
            "lastUpdatedAt": interpreter.last_updated_at(now),
            **interpreter.configuration,
        }
        reasons = {
            "CREATE_FAILED": interpreter.failure,
            "DELETE_FAILED": interpreter.delete_failure,
        }
        if reason := reasons.get(output["status"]):
            output["failureReason"] = reason
        return output

    async def list_code_interpreters(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        is_system = params.get("type") == "SYSTEM"
        interpreters = [self._system_interpreter(owner)] if is_system else self._owned_by(owner)
        records, next_token = page(
            interpreters,
            key=lambda interpreter: f"{interpreter.created_at.isoformat()} {interpreter.id}",
            max_results=params.get("maxResults"),
            next_token=params.get("nextToken"),
        )
        summaries = [self._summary(interpreter) for interpreter in records]
        return {"codeInterpreterSummaries": summaries, "nextToken": next_token}

    async def delete_code_interpreter(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        return await self._tokens.once(
            owner, "DeleteCodeInterpreter", params, lambda: self._delete(owner, params)
        )

    async def list_tags_for_resource(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self._find_by_arn(owner, params["resourceArn"]).tags}

    async def tag_resource(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        interpreter = self._find_by_arn(owner, params["resourceArn"])
        tags = {**interpreter.tags, **params["tags"]}
        if len(tags) > MAXIMUM_TAGS:
            raise ServiceQuotaExceededError(
                f"{interpreter.arn} would have {len(tags)} tags; the limit is {MAXIMUM_TAGS}"
            )
        interpreter.tags = tags
        return {}

    async def untag_resource(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        interpreter = self._find_by_arn(owner, params["resourceArn"])
        for key in params["tagKeys"]:
            interpreter.tags.pop(key, None)
        return {}

    async def _create(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        name = params["name"]
        owned = self._owned_by(owner)
        if any(interpreter.configuration["name"] == name for interpreter in owned):
            raise ConflictError(f"CodeInterpreter with name {name} already exists")
        quota = self._settings.interpreters_per_account
        if self._settings.enforce_quotas and len(owned) >= quota:
            raise ServiceQuotaExceededError(f"The account has its {quota} code interpreters")
        now = self._clock.now()
        interpreter = CodeInterpreterRecord(
            owner=owner,
            id=f"{name}-{''.join(secrets.choice(ID_TAIL) for _ in range(10))}",
            configuration={member: params[member] for member in CONFIGURATION if member in params},
            created_at=now,
            settled_at=now + timedelta(seconds=self._settings.create_seconds),
            tags=dict(params.get("tags", {})),
        )
        self._check_role(interpreter)
        self._check_mounts(interpreter)
        interpreter.failure = self._outcomes.create_failure()
        self._interpreters[owner, interpreter.id] = interpreter
        return {
            "codeInterpreterId": interpreter.id,
            "codeInterpreterArn": interpreter.arn,
            "createdAt": interpreter.created_at,
            "status": "CREATING",
        }

    async def _delete(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        interpreter = self.find(owner, params["codeInterpreterId"])
        if interpreter.id == SYSTEM_INTERPRETER_ID:
            # DeleteCodeInterpreter has no such resource type in IAM, so no policy can allow it.
            raise AccessDeniedError(f"{interpreter.id} belongs to AWS and cannot be deleted")
        unfinished = interpreter.gone_at is not None and self._clock.now() < interpreter.gone_at
        if unfinished and self._settings.delete_while_deleting == "conflict":
            raise ConflictError(f"CodeInterpreter {interpreter.id} is being deleted")
        if not unfinished:
            await self._release_sessions(interpreter)
            now = self._clock.now()
            interpreter.delete_requested_at = now
            interpreter.deleting_at = now + timedelta(
                seconds=self._settings.ready_after_delete_seconds
            )
            interpreter.gone_at = interpreter.deleting_at + timedelta(
                seconds=self._settings.delete_seconds
            )
            interpreter.delete_failure = self._outcomes.delete_failure()
        return {
            "codeInterpreterId": interpreter.id,
            "status": "DELETING",
            "lastUpdatedAt": interpreter.delete_requested_at,
        }

    def _check_role(self, interpreter: CodeInterpreterRecord) -> None:
        role = interpreter.configuration.get("executionRoleArn")
        sources = [interpreter.arn]
        if self._settings.role_source == "id_and_name":
            sources.append(interpreter.owner.interpreter_arn(interpreter.configuration["name"]))
        if role and not all(
            self._roles.trusts_service(interpreter.owner, role, source) for source in sources
        ):
            # The first four words are the service's, as Terraform's provider knows them.
            raise ValidationError(
                f"CodeInterpreter role validation failed: {role} does not exist, or its trust "
                "policy does not allow bedrock-agentcore.amazonaws.com to assume it for each "
                f"aws:SourceArn of {sources}"
            )

    def _check_mounts(self, interpreter: CodeInterpreterRecord) -> None:
        if self._settings.check_mounts != "create_and_start":
            return
        configuration = interpreter.configuration
        filesystems = configuration.get("filesystemConfigurations", [])
        arn = not_mountable(
            self._roles, interpreter.owner, configuration, filesystems, describes=True
        )
        if arn:
            # The first six words are the service's, as users of AgentCore Runtime report them.
            raise ValidationError(
                "Execution role is missing required permissions: "
                f"{configuration['executionRoleArn']} may not describe and mount {arn}"
            )

    def _owned_by(self, owner: Owner) -> list[CodeInterpreterRecord]:
        return [interpreter for interpreter in self.all() if interpreter.owner == owner]

    def _system_interpreter(self, owner: Owner) -> CodeInterpreterRecord:
        return CodeInterpreterRecord(
            owner=owner,
            id=SYSTEM_INTERPRETER_ID,
            configuration={
                "name": SYSTEM_INTERPRETER_NAME,
                "description": SYSTEM_INTERPRETER_DESCRIPTION,
                "networkConfiguration": {"networkMode": "SANDBOX"},
            },
            created_at=self._started_at,
            settled_at=self._started_at,
        )

    def _find_by_arn(self, owner: Owner, arn: str) -> CodeInterpreterRecord:
        interpreter_id = arn.rpartition("/")[2]
        if arn != owner.interpreter_arn(interpreter_id):
            raise ResourceNotFoundError(f"Resource {arn} does not exist")
        return self.find(owner, interpreter_id)

    def _summary(self, interpreter: CodeInterpreterRecord) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "codeInterpreterId": interpreter.id,
            "codeInterpreterArn": interpreter.arn,
            "name": interpreter.configuration["name"],
            "description": interpreter.configuration.get("description"),
            "status": interpreter.status(now),
            "createdAt": interpreter.created_at,
            "lastUpdatedAt": interpreter.last_updated_at(now),
        }


async def no_sessions(_: CodeInterpreterRecord) -> None:
    """Do nothing: without a data plane no interpreter has sessions."""


def check_network(network: dict[str, Any], settings: EmulatorSettings) -> None:
    """Refuse VPC mode without a VPC configuration, and other modes with one."""
    member = "networkConfiguration.vpcConfig"
    mode, vpc = network["networkMode"], network.get("vpcConfig")
    if mode == "VPC" and vpc is None:
        raise refuse_field(member, "must be given when networkMode is VPC")
    if mode != "VPC" and vpc is not None:
        raise refuse_field(member, f"must not be given when networkMode is {mode}")
    if vpc and "requireServiceS3Endpoint" in vpc and settings.refuse_service_s3_endpoint:
        raise refuse_field(
            f"{member}.requireServiceS3Endpoint", "does not apply to code interpreters"
        )


def check_filesystems(
    filesystems: list[dict[str, Any]],
    *,
    network_mode: str,
    has_role: bool,
    mounted: list[dict[str, Any]] | None = None,
) -> None:
    """Check the rules that are in the API model's documentation but not in its shapes.

    `mounted` are the filesystems of the interpreter if a session adds its own.
    """
    member = "filesystemConfigurations"
    if not filesystems:
        return
    if network_mode != "VPC" or not has_role:
        raise refuse_field(member, "needs networkMode VPC and an executionRoleArn")
    for kind in ("s3FilesConfiguration", "efsConfiguration"):
        if sum(kind in filesystem for filesystem in filesystems) > MAXIMUM_FILESYSTEMS_OF_A_KIND:
            raise refuse_field(member, f"may hold at most {MAXIMUM_FILESYSTEMS_OF_A_KIND} {kind}")
    configurations = [
        next(iter(filesystem.values())) for filesystem in [*(mounted or []), *filesystems]
    ]
    paths = [configuration["mountPath"].rstrip("/") for configuration in configurations]
    if len(set(paths)) != len(paths):
        raise refuse_field(member, "mountPath must be unique")
