"""The data plane: sessions, and the tools that requests invoke in them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from agentcore_emulator.model.errors import (
    ERRORS,
    ConflictError,
    InternalServerError,
    ModelledError,
    ResourceNotFoundError,
    ServiceQuotaExceededError,
    refuse_field,
)
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.control import (
    CodeInterpreterRecord,
    ControlPlane,
    check_filesystems,
)
from agentcore_emulator.service.idempotency import ClientTokens
from agentcore_emulator.service.owner import SYSTEM_INTERPRETER_ID, Owner
from agentcore_emulator.service.paging import page
from agentcore_emulator.service.role_session import NO_ROLE, RoleSession
from agentcore_emulator.service.roles import ExecutionRoles, not_mountable
from agentcore_emulator.settings import EmulatorSettings

# The API model's documentation of sessionTimeoutSeconds.
DEFAULT_TIMEOUT_SECONDS = 900

# Crockford's alphabet, in which ULIDs are written.
ULID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class SandboxProtocol(Protocol):
    """The place where a session's code runs: a directory and the processes in it."""

    async def invoke(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run one of the nine operations; cancellation ends its programs.

        A failure inside the sandbox is a result with `isError`.
        """

    def process_ids(self) -> list[int]:
        """Return the ids of the session's processes."""

    async def close(self) -> None:
        """End all processes of the session and remove its directory."""


# Gets the sandbox's directory, and environment variables for its programs.
StartSandbox = Callable[[Path, Mapping[str, str]], Awaitable[SandboxProtocol]]


class StreamError(Exception):
    """An error after the response has begun: it travels inside the stream."""

    def __init__(self, error: ModelledError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(eq=False)
class ServiceSession:
    """One session, from its start until the service forgets it."""

    owner: Owner
    interpreter_id: str
    id: str
    parameters: dict[str, Any]
    created_at: datetime
    timeout_seconds: int
    sandbox: SandboxProtocol
    role_session: RoleSession | None
    ended_at: datetime | None = None
    in_flight: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    expiry: asyncio.Task[None] | None = None
    closing: asyncio.Task[None] | None = None

    @property
    def expires_at(self) -> datetime:
        return self.created_at + timedelta(seconds=self.timeout_seconds)

    def status(self, now: datetime) -> str:
        return "TERMINATED" if self.ended_at or now >= self.expires_at else "READY"

    def process_ids(self) -> list[int]:
        return [] if self.ended.is_set() else self.sandbox.process_ids()

    def last_updated_at(self, now: datetime) -> datetime:
        if self.status(now) == "READY":
            return self.created_at
        return self.ended_at or self.expires_at


class DataPlane:
    """The five data operations, on the sessions of every owner."""

    def __init__(
        self,
        settings: EmulatorSettings,
        clock: ServiceClock,
        interpreters: ControlPlane,
        roles: ExecutionRoles,
        start_sandbox: StartSandbox,
        directory: Path,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._interpreters = interpreters
        self._roles = roles
        self._start_sandbox = start_sandbox
        self._directory = directory
        self._tokens = ClientTokens(clock, settings.client_token_seconds)
        self._sessions: dict[tuple[Owner, str], ServiceSession] = {}
        self._starting: list[Owner] = []
        self._closed = False
        interpreters.on_delete(self._release)

    def all(self) -> list[ServiceSession]:
        """Return every session that the service still remembers, of every owner."""
        oldest = self._clock.now() - timedelta(seconds=self._settings.session_record_seconds)
        self._sessions = {
            key: session
            for key, session in self._sessions.items()
            if not session.ended.is_set() or session.last_updated_at(self._clock.now()) > oldest
        }
        return list(self._sessions.values())

    def in_vpcs(self) -> list[tuple[ServiceSession, list[str]]]:
        """Return the running sessions that have a VPC, each with its subnets."""
        subnet_ids = {
            (interpreter.owner, interpreter.id): network["vpcConfig"]["subnets"]
            for interpreter in self._interpreters.all()
            if "vpcConfig" in (network := interpreter.configuration["networkConfiguration"])
        }
        return [
            (session, subnet_ids[key])
            for session in self.all()
            if not session.ended.is_set()
            and (key := (session.owner, session.interpreter_id)) in subnet_ids
        ]

    async def start_code_interpreter_session(
        self, owner: Owner, params: dict[str, Any]
    ) -> dict[str, Any]:
        interpreter = self._interpreter(owner, params)
        if not interpreter.is_usable(self._clock.now()):
            error = ERRORS[self._settings.start_while_not_ready]
            raise error(f"CodeInterpreter {interpreter.id} is not READY")
        self._check_session_filesystems(interpreter, params)
        return await self._tokens.once(
            owner, "StartCodeInterpreterSession", params, lambda: self._start(interpreter, params)
        )

    async def get_code_interpreter_session(
        self, owner: Owner, params: dict[str, Any]
    ) -> dict[str, Any]:
        session = self._find(owner, params)
        return {
            "codeInterpreterIdentifier": session.interpreter_id,
            "sessionId": session.id,
            "createdAt": session.created_at,
            "sessionTimeoutSeconds": session.timeout_seconds,
            "status": session.status(self._clock.now()),
            **session.parameters,
        }

    async def list_code_interpreter_sessions(
        self, owner: Owner, params: dict[str, Any]
    ) -> dict[str, Any]:
        interpreter = self._interpreter(owner, params)
        now = self._clock.now()
        status = params.get("status")
        records, next_token = page(
            (
                session
                for session in self._sessions_of(interpreter)
                if status is None or session.status(now) == status
            ),
            key=lambda session: session.id,
            max_results=params.get("maxResults"),
            next_token=params.get("nextToken"),
        )
        items = [
            {
                "codeInterpreterIdentifier": session.interpreter_id,
                "sessionId": session.id,
                "name": session.parameters.get("name"),
                "status": session.status(now),
                "createdAt": session.created_at,
                "lastUpdatedAt": session.last_updated_at(now),
            }
            for session in records
        ]
        return {"items": items, "nextToken": next_token}

    async def stop_code_interpreter_session(
        self, owner: Owner, params: dict[str, Any]
    ) -> dict[str, Any]:
        return await self._tokens.once(
            owner, "StopCodeInterpreterSession", params, lambda: self._stop(owner, params)
        )

    async def invoke_code_interpreter(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        """Return the result.

        :raises StreamError: if execution has begun and then fails.
        """
        if "sessionId" not in params:
            if self._settings.invoke_without_session == "ValidationException":
                raise refuse_field("sessionId", "must be given")
            raise ResourceNotFoundError("Invoke needs a session")
        session = self._find(owner, params)
        if session.status(self._clock.now()) != "READY":
            raise ResourceNotFoundError(f"Session {session.id} is not active")
        limit = self._settings.calls_in_flight_per_session
        if session.in_flight >= limit:
            raise ServiceQuotaExceededError(f"Session {session.id} has {limit} calls in flight")
        session.in_flight += 1
        try:
            return await self._run(session, params["name"], params.get("arguments", {}))
        finally:
            session.in_flight -= 1

    async def close_expired(self) -> None:
        """End every session that is past its lifetime; return when their sandboxes are gone."""
        now = self._clock.now()
        expired = [session for session in self.all() if session.expires_at <= now]
        await asyncio.gather(*(self._end(session) for session in expired))

    async def close(self) -> None:
        """End every session, and refuse to start others."""
        self._closed = True
        await asyncio.gather(*(self._end(session) for session in self._sessions.values()))

    async def _start(
        self, interpreter: CodeInterpreterRecord, params: dict[str, Any]
    ) -> dict[str, Any]:
        owner = interpreter.owner
        self._check_quota(owner)
        self._check_role(interpreter)
        self._check_mounts(interpreter, params)
        session_id = ulid(self._clock.now())
        timeout_seconds = params.get("sessionTimeoutSeconds", DEFAULT_TIMEOUT_SECONDS)
        self._starting.append(owner)
        try:
            role_session = await self._assume_role(interpreter, timeout_seconds)
            sandbox = await self._start_sandbox_as(role_session, owner, session_id)
        finally:
            self._starting.remove(owner)
        if self._closed or interpreter.delete_requested_at is not None:
            await close(sandbox, role_session)
            raise ConflictError(f"CodeInterpreter {interpreter.id} went away")
        session = ServiceSession(
            owner=owner,
            interpreter_id=interpreter.id,
            id=session_id,
            parameters={
                member: params[member]
                for member in ("name", "certificates", "filesystemConfigurations")
                if member in params
            },
            created_at=self._clock.now(),
            timeout_seconds=timeout_seconds,
            sandbox=sandbox,
            role_session=role_session,
        )
        self._sessions[owner, session_id] = session
        session.expiry = asyncio.create_task(self._expire(session))
        return {
            "codeInterpreterIdentifier": session.interpreter_id,
            "sessionId": session.id,
            "createdAt": session.created_at,
        }

    async def _assume_role(
        self, interpreter: CodeInterpreterRecord, timeout_seconds: int
    ) -> RoleSession | None:
        role = interpreter.configuration.get("executionRoleArn")
        if role is None:
            return None
        lifetime = timedelta(seconds=timeout_seconds)
        return await RoleSession.start(self._roles, interpreter.owner, role, lifetime)

    async def _start_sandbox_as(
        self, role_session: RoleSession | None, owner: Owner, session_id: str
    ) -> SandboxProtocol:
        variables = dict(role_session.variables if role_session else NO_ROLE)
        if self._settings.region_variables:
            variables |= {"AWS_REGION": owner.region, "AWS_DEFAULT_REGION": owner.region}
        try:
            return await self._start_sandbox(self._directory / session_id, variables)
        except BaseException:
            if role_session:
                await role_session.end()
            raise

    async def _stop(self, owner: Owner, params: dict[str, Any]) -> dict[str, Any]:
        session = self._find(owner, params)
        is_terminated = session.status(self._clock.now()) == "TERMINATED"
        if is_terminated and self._settings.stop_ended_session == "not_found":
            raise ResourceNotFoundError(f"Session {session.id} is not active")
        await self._end(session)
        return {
            "codeInterpreterIdentifier": session.interpreter_id,
            "sessionId": session.id,
            "lastUpdatedAt": session.last_updated_at(self._clock.now()),
        }

    async def _run(
        self, session: ServiceSession, name: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        deadline = self._clock.now() + timedelta(seconds=self._settings.synchronous_seconds)
        run = asyncio.ensure_future(session.sandbox.invoke(name, arguments))
        ended = asyncio.ensure_future(session.ended.wait())
        late = asyncio.ensure_future(self._clock.wait_until(deadline))
        try:
            await asyncio.wait({run, ended, late}, return_when=asyncio.FIRST_COMPLETED)
            if session.ended.is_set():
                raise StreamError(ResourceNotFoundError(f"Session {session.id} is not active"))
            if not run.done():
                raise StreamError(InternalServerError("The request took too long"))
            return run.result()
        finally:
            for task in (run, ended, late):
                task.cancel()

    async def _expire(self, session: ServiceSession) -> None:
        await self._clock.wait_until(session.expires_at)
        await self._end(session)

    async def _end(self, session: ServiceSession) -> None:
        """Terminate the session, if no other task does; return when its sandbox is gone."""
        if session.closing is None:
            session.ended_at = min(self._clock.now(), session.expires_at)
            session.ended.set()
            session.closing = asyncio.create_task(self._close_sandbox(session))
        await asyncio.shield(session.closing)

    async def _close_sandbox(self, session: ServiceSession) -> None:
        if session.expiry is not None and self._clock.now() < session.expires_at:
            session.expiry.cancel()
        await close(session.sandbox, session.role_session)

    async def _release(self, interpreter: CodeInterpreterRecord) -> None:
        now = self._clock.now()
        sessions = self._sessions_of(interpreter)
        ready = [session for session in sessions if session.status(now) == "READY"]
        if ready and self._settings.delete_with_ready_sessions == "conflict":
            raise ConflictError(
                # A real message ends so, for two sessions.
                f"CodeInterpreter {interpreter.id} cannot be deleted. There are {len(ready)} "
                "active sessions"
            )
        await asyncio.gather(*(self._end(session) for session in ready))

    def _interpreter(self, owner: Owner, params: dict[str, Any]) -> CodeInterpreterRecord:
        identifier = params["codeInterpreterIdentifier"]
        interpreter_id = identifier.rpartition("/")[2]
        is_own_arn = identifier == owner.interpreter_arn(interpreter_id)
        if self._settings.accept_arn_as_identifier and is_own_arn:
            identifier = interpreter_id
        return self._interpreters.find(owner, identifier)

    def _sessions_of(self, interpreter: CodeInterpreterRecord) -> list[ServiceSession]:
        return [
            session
            for session in self.all()
            if session.owner == interpreter.owner and session.interpreter_id == interpreter.id
        ]

    def _find(self, owner: Owner, params: dict[str, Any]) -> ServiceSession:
        interpreter = self._interpreter(owner, params)
        session = self._sessions.get((owner, params["sessionId"]))
        if session is None or session.interpreter_id != interpreter.id:
            raise ResourceNotFoundError(f"Session {params['sessionId']} does not exist")
        return session

    def _check_quota(self, owner: Owner) -> None:
        quota = self._settings.sessions_per_account
        now = self._clock.now()
        active = self._starting.count(owner) + sum(
            session.owner == owner and session.status(now) == "READY" for session in self.all()
        )
        if self._settings.enforce_quotas and active >= quota:
            raise ServiceQuotaExceededError(f"The account has its {quota} active sessions")

    def _check_session_filesystems(
        self, interpreter: CodeInterpreterRecord, params: dict[str, Any]
    ) -> None:
        filesystems = params.get("filesystemConfigurations", [])
        if filesystems and interpreter.id == SYSTEM_INTERPRETER_ID:
            raise refuse_field("filesystemConfigurations", f"{interpreter.id} mounts none")
        check_filesystems(
            filesystems,
            network_mode=interpreter.configuration["networkConfiguration"]["networkMode"],
            has_role="executionRoleArn" in interpreter.configuration,
            mounted=interpreter.configuration.get("filesystemConfigurations"),
        )

    def _check_role(self, interpreter: CodeInterpreterRecord) -> None:
        role = interpreter.configuration.get("executionRoleArn")
        if role and not self._roles.trusts_service(interpreter.owner, role, interpreter.arn):
            error = ERRORS[self._settings.role_not_assumable]
            raise error(
                f"{role} no longer exists, or its trust policy no longer allows "
                "bedrock-agentcore.amazonaws.com to assume it"
            )

    def _check_mounts(self, interpreter: CodeInterpreterRecord, params: dict[str, Any]) -> None:
        configuration = interpreter.configuration
        arn = not_mountable(
            self._roles,
            interpreter.owner,
            configuration,
            [
                *configuration.get("filesystemConfigurations", []),
                *params.get("filesystemConfigurations", []),
            ],
            describes=self._settings.check_mounts == "create_and_start",
        )
        if arn:
            error = ERRORS[self._settings.mount_not_allowed]
            raise error(f"{configuration['executionRoleArn']} is not allowed to mount {arn}")


async def close(sandbox: SandboxProtocol, role_session: RoleSession | None) -> None:
    """End a sandbox, and the credentials of its programs first."""
    if role_session:
        await role_session.end()
    await sandbox.close()


def ulid(moment: datetime) -> str:
    """Return a ULID, the form of real session ids: 48 bits of milliseconds and 80 random bits."""
    number = int(moment.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(ULID_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
