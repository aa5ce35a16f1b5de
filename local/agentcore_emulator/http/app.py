"""The ASGI application: HTTP in, the service's rules, HTTP out.

    app = create_app(EmulatorSettings())

serves alone under any ASGI server, or inside another application that calls `startup` and
`shutdown` and forwards the requests that `handles` accepts.
"""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from botocore import xform_name

from agentcore_emulator.http import responses
from agentcore_emulator.http.admin_api import ADMIN_PATH, AdminApi
from agentcore_emulator.http.exchange import Exchange, HttpResponse, Receive, Scope, Send
from agentcore_emulator.model import service_model
from agentcore_emulator.model.errors import InternalServerError, ModelledError, ValidationError
from agentcore_emulator.model.service_model import DATA_OPERATIONS, Operation
from agentcore_emulator.origin import NOT_LOCAL, is_local
from agentcore_emulator.service.authorization import Authorize, access_request
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.data import ServiceSession, StartSandbox, StreamError
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.roles import ExecutionRoles
from agentcore_emulator.service.state import ServiceState
from agentcore_emulator.settings import EmulatorSettings
from agentcore_emulator.testing.faults import Faults
from agentcore_emulator.testing.received import ReceivedRequest, ReceivedRequests

log = logging.getLogger(__name__)

ACCOUNT = re.compile(r"[0-9]{12}")

ResolveAccount = Callable[[str], str | None]


def create_app(
    settings: EmulatorSettings,
    authorize: Authorize | None = None,
    *,
    resolve_account: ResolveAccount | None = None,
    start_sandbox: StartSandbox | None = None,
    roles: ExecutionRoles | None = None,
) -> Emulator:
    """Return the emulator as an ASGI application.

    `authorize` refuses a request by raising `errors.AccessDeniedError`.
    `resolve_account(access_key)` names the account of a key that is not itself a 12-digit
    account id. `start_sandbox(directory, variables)` replaces the real sandbox. `roles` decides
    about execution roles and gives their credentials; without it, every role will do, and none has
    credentials.
    """
    return Emulator(settings, authorize, resolve_account, start_sandbox, roles)


class Emulator:
    """An ASGI application that serves every account and region."""

    def __init__(
        self,
        settings: EmulatorSettings,
        authorize: Authorize | None,
        resolve_account: ResolveAccount | None,
        start_sandbox: StartSandbox | None,
        roles: ExecutionRoles | None,
    ) -> None:
        self._settings = settings
        self._authorize = authorize
        self._resolve_account = resolve_account
        self._directory = settings.directory or (
            Path(tempfile.gettempdir()) / f"agentcore-emulator-{uuid.uuid4().hex}"
        )
        self._faults = Faults()
        self._received = ReceivedRequests()
        self._state = ServiceState(settings, self._faults, start_sandbox, roles, self._directory)
        self._admin_api = AdminApi(self._state, self._faults, self._received)

    @property
    def clock(self) -> ServiceClock:
        """The clock in use; a reset replaces it."""
        return self._state.clock

    def sessions_in_vpcs(self) -> list[tuple[ServiceSession, list[str]]]:
        """Return the running sessions that have a VPC, each with its subnets."""
        return self._state.data_plane.in_vpcs()

    def handles(self, path: str) -> bool:
        """Tell whether a request is for the emulator.

        It is on code interpreters, on a tag of one, or on the admin API.
        """
        path = unquote(path)
        return (
            path == "/code-interpreters"
            or path.startswith(("/code-interpreters/", ADMIN_PATH))
            or (path.startswith("/tags/arn:") and ":code-interpreter" in path)
        )

    async def startup(self) -> None:
        """Make the directory that sessions live in; before this none can start."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def shutdown(self) -> None:
        """End every session, and remove the directory unless the settings name it."""
        await self._state.data_plane.close()
        if self._settings.directory is None:
            await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    async def reset(self) -> None:
        """End every session and forget everything, faults and the clock's advance included."""
        await self._admin_api.reset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._handle(Exchange(scope, receive, send))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.startup()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _handle(self, exchange: Exchange) -> None:
        try:
            body = await exchange.body(self._settings.payload_bytes)
        except ConnectionAbortedError:
            return
        response: HttpResponse | None
        if not is_local(exchange.headers):
            response = responses.unmodelled_error(403, "AccessDeniedException", NOT_LOCAL)
        elif exchange.raw_path.startswith(ADMIN_PATH):
            response = await self._admin_api.respond(exchange, body or b"")
        elif (routed := service_model.route(exchange.method, exchange.raw_path)) is None:
            response = responses.unmodelled_error(
                404, "UnknownOperationException", f"no operation {exchange.method} on this path"
            )
        else:
            response = await self._respond(exchange, *routed, body)
        if response is not None:
            await exchange.respond(response)

    async def _respond(
        self, exchange: Exchange, operation: Operation, labels: dict[str, str], body: bytes | None
    ) -> HttpResponse | None:
        """Return the operation's response, spoiled by a fault if one is waiting.

        None means that the client gets no response.
        """
        owner = self._owner(exchange)
        request = ReceivedRequest(operation.name, exchange.request_id, *owner, len(body or b""))
        self._received.add(request)
        fault = self._faults.take(operation.name)
        response: HttpResponse | None = None
        if fault is None or fault.when == "after":
            response = await self._perform(exchange, owner, operation, labels, body, request)
        if fault is not None:
            response = await responses.spoil(exchange, fault, response)
        if response is not None:
            request.status, request.response_bytes = response.status, len(response.body)
        return response

    async def _perform(
        self,
        exchange: Exchange,
        owner: Owner,
        operation: Operation,
        labels: dict[str, str],
        body: bytes | None,
        request: ReceivedRequest,
    ) -> HttpResponse:
        try:
            self._state.rates.check(owner, operation.name)
            if body is None:
                limit = self._settings.payload_bytes
                raise ValidationError(
                    f"The body is larger than {limit} bytes", reason="CannotParse"
                )
            params = service_model.parse_request(
                operation, labels, exchange.query_string, exchange.headers, body
            )
            self._check_access(exchange, owner, operation, params)
            request.note(params)
            if operation.name == "InvokeCodeInterpreter":
                return await self._invoke(owner, params, request)
            is_data = operation.name in DATA_OPERATIONS
            plane = self._state.data_plane if is_data else self._state.control_plane
            perform: Callable[[Owner, dict[str, Any]], Awaitable[dict[str, Any]]] = getattr(
                plane, xform_name(operation.name)
            )
            output = await perform(owner, params)
            request.took_effect = True
            request.note(output)
            return responses.success(operation, output)
        except ModelledError as error:
            return responses.error(error)
        except Exception:
            log.exception("%s failed", operation.name)
            return responses.error(InternalServerError("The emulator failed; its log says why"))

    def _check_access(
        self, exchange: Exchange, owner: Owner, operation: Operation, params: dict[str, Any]
    ) -> None:
        if self._authorize is not None:
            access_key = exchange.credential()[0] or ""
            self._authorize(
                access_request(owner, access_key, operation.name, params, self._state.control_plane)
            )

    async def _invoke(
        self, owner: Owner, params: dict[str, Any], request: ReceivedRequest
    ) -> HttpResponse:
        try:
            result = await self._state.data_plane.invoke_code_interpreter(owner, params)
        except StreamError as failure:
            request.took_effect = True
            return responses.stream_exception(params["sessionId"], failure.error)
        request.took_effect = True
        return responses.result(params["sessionId"], result)

    def _owner(self, exchange: Exchange) -> Owner:
        access_key, region = exchange.credential()
        account = None
        if access_key is not None:
            account = access_key if ACCOUNT.fullmatch(access_key) else self._account_of(access_key)
        return Owner(
            account or self._settings.default_account, region or self._settings.default_region
        )

    def _account_of(self, access_key: str) -> str | None:
        return self._resolve_account(access_key) if self._resolve_account else None
