"""granian's embedded server, which runs in the caller's event loop, as a service needs it."""

import asyncio
import socket
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from granian._granian import SocketHolder
from granian.constants import Interfaces, SSLProtocols
from granian.errors import FatalError
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._errors import StartupError
from ._listener import BACKLOG
from ._tls import TLSConfig

if TYPE_CHECKING:
    from ._app import MaestroAPI

# granian would configure the logging module for itself; its records go the way of all others instead.
_GRANIAN_LOGGING: Final = {
    "incremental": True,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
}


class _Lifespan:
    """The application's lifespan as granian sees it: one that fails for a reason it has told leaves no traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._task: asyncio.Task[Any] | None = None
        self._started = False
        self.reason: str | None = None
        """Why the application did not start, in its own words; None where it has none."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._task = asyncio.current_task()

        async def told(message: Message) -> None:
            self._started = True
            if message["type"] == "lifespan.startup.failed" and isinstance(sys.exception(), _TOLD):
                message = {**message, "message": ""}
            await send(message)

        try:
            await self._app(scope, receive, told)
        except StartupError as error:
            self.reason = str(error)
        except asyncio.CancelledError:
            self.reason = "it was stopped while it started"

    def give_up(self) -> None:
        """Cancel the start-up, unless it is over."""
        if self._task is not None and not self._started:
            self._task.cancel()


_TOLD: Final = (StartupError, asyncio.CancelledError)


class EmbeddedServer(Server):
    """granian's embedded server on a socket that is already bound.

    Args:
        app: The application.
        listener: The socket; it stays the caller's to close.

    Raises:
        StartupError: Certificate or key cannot be used.
    """

    def __init__(self, app: "MaestroAPI", listener: socket.socket) -> None:
        self.lifespan = _Lifespan(app)
        limits = app.config.limits
        super().__init__(
            _edge(app, self.lifespan),
            interface=Interfaces.ASGI,
            backlog=BACKLOG,
            http1_settings=HTTP1Settings(
                header_read_timeout=_milliseconds(limits.header_timeout), max_buffer_size=limits.max_header_bytes
            ),
            http2_settings=HTTP2Settings(max_headers_size=limits.max_header_bytes),
            **_tls_options(app.config.tls),
            # Errors only: it warns on every start that embedding is experimental.
            log_level=LogLevels.error,
            log_dictconfig=_GRANIAN_LOGGING,
        )
        self._listener = listener

    async def serve_until_stopped(self) -> None:
        """Serve until `stop` is called.

        Raises:
            StartupError: The application's start-up failed.
        """
        try:
            await self.serve()
        except FatalError as error:
            reason = self.lifespan.reason
            told = "; its log holds the reason" if reason is None else f": {reason}"
            raise StartupError(f"the service could not start{told}") from error

    def _init_shared_socket(self) -> None:
        # granian closes the descriptor that it is given, so it gets one of its own.
        # Its stubs know neither the holder's arguments nor that the attribute is set later.
        holder: Any = SocketHolder
        self.__dict__.update(_ssp=None, _shd=holder(self._listener.dup().detach(), False, BACKLOG))


def _edge(app: ASGIApp, lifespan: ASGIApp) -> ASGIApp:
    """Keep from granian that a request was cancelled at the stop; it would log that as a failure of the application."""

    async def edge(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
            return
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return edge


def _tls_options(tls: TLSConfig | None) -> dict[str, Any]:
    if tls is None:
        return {}
    return {
        "ssl_cert": tls.certificate,
        "ssl_key": tls.key,
        "ssl_protocol_min": SSLProtocols.tls12 if tls.minimum_version == "1.2" else SSLProtocols.tls13,
        "ssl_ca": tls.client_ca,
        "ssl_client_verify": tls.client_ca is not None,
    }


def _milliseconds(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() * 1_000))
