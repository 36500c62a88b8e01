"""Serving an application on granian, in this one process.

granian's usual server starts worker processes, which survive the death of their parent. Its embedded server runs in the
caller's event loop: one service is one process, and a SIGKILL leaves nothing behind.
"""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import uvloop
from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.errors import FatalError
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._errors import AddressUnavailableError, StartupError
from ._heap import settle_heap

if TYPE_CHECKING:
    from ._app import MaestroAPI

EXIT_UNAVAILABLE: Final = 69
EXIT_SOFTWARE: Final = 70
EXIT_NO_PERMISSION: Final = 77
_BACKLOG: Final = 1_024
# granian would configure the logging module for itself; its records go the way of all others instead.
_GRANIAN_LOGGING: Final = {
    "incremental": True,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
}
_WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised here, not listened on


def run_service(app: "MaestroAPI", host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; see `MaestroAPI.run`.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Raises:
        SystemExit: The service did not start, or stopped for an error.
    """
    try:
        listener = bind(host, port)
    except AddressUnavailableError as error:
        sys.stderr.write(f"{app.config.service_name}: {error}\n")
        raise SystemExit(error.exit_code) from None
    settle_heap()
    try:
        with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve_until_signal(app, listener))
    except StartupError as error:
        sys.stderr.write(f"{app.config.service_name}: {error}\n")
        raise SystemExit(EXIT_SOFTWARE) from None


def bind(host: str, port: int) -> socket.socket:
    """Bind and listen.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Returns:
        The listening socket. Connections wait in its backlog until the server takes them.

    Raises:
        AddressUnavailableError: The address cannot be had; the message names it and says what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _unavailable(error, host, port) from error
    try:
        # No SO_REUSEPORT, which would let a second service share the port in silence.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _unavailable(error, host, port) from error
    return listener


@asynccontextmanager
async def serving(
    app: "MaestroAPI", listener: socket.socket, *, stop: asyncio.Event | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve while the block runs.

    Args:
        app: The application.
        listener: A listening socket; it stays the caller's to close.
        stop: Gives up the start-up when it is set meanwhile. Default: nothing does.

    Yields:
        The task that serves. The application's start-up is over when the block begins.

    Raises:
        StartupError: The application's start-up failed, or was given up.
    """
    app.bound_url = _url(listener)
    server = _EmbeddedServer(app, listener)
    task = asyncio.create_task(server.serve_until_stopped(), name="granian")
    started = asyncio.create_task(app.started.wait())
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({task, started, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not app.started.is_set() and stopping.done():
            server.lifespan.give_up()
            await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield task
    finally:
        started.cancel()
        stopping.cancel()
        server.stop()  # type: ignore[no-untyped-call]  # granian's embedded server carries no types
        app.in_flight.end_streams()
        await _finished(task, app)
        app.bound_url = None


async def _serve_until_signal(app: "MaestroAPI", listener: socket.socket) -> None:
    stop = asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            # Asked a second time: whoever asks does not want to wait for running requests.
            app.in_flight.end_all()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        async with serving(app, listener, stop=stop) as task:
            app.logger.info("Serving", url=app.bound_url, version=app.config.version)
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            app.logger.info("Stopping")
    except StartupError:
        if not stop.is_set():
            raise
    app.logger.info("Stopped")


async def _finished(task: asyncio.Task[None], app: "MaestroAPI") -> None:
    grace = app.config.shutdown_grace
    await asyncio.wait({task}, timeout=grace.total_seconds())
    if not task.done():
        cancelled = app.in_flight.end_all()
        app.logger.warning("Requests did not end in time and were cancelled", count=cancelled, grace=_seconds(grace))
    await task


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


class _EmbeddedServer(Server):
    """granian's embedded server on a socket that is already bound."""

    def __init__(self, app: "MaestroAPI", listener: socket.socket) -> None:
        self.lifespan = _Lifespan(app)
        super().__init__(
            _edge(app, self.lifespan),
            interface=Interfaces.ASGI,
            backlog=_BACKLOG,
            # Errors only: it warns on every start that embedding is experimental.
            log_level=LogLevels.error,
            log_dictconfig=_GRANIAN_LOGGING,
        )
        self._listener = listener

    async def serve_until_stopped(self) -> None:
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
        self.__dict__.update(_ssp=None, _shd=holder(self._listener.dup().detach(), False, _BACKLOG))


def _edge(app: ASGIApp, lifespan: ASGIApp) -> ASGIApp:
    """Keep from granian that a request was cancelled at the stop; it would log that as a failure of the application."""

    async def edge(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
            return
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return edge


def _unavailable(error: OSError, host: str, port: int) -> AddressUnavailableError:
    where = f"{host}:{port}"
    exit_code = EXIT_UNAVAILABLE
    if error.errno == errno.EADDRINUSE:
        message = (
            f"port {port} on {host} is taken by another process; stop it or choose another port (0 takes a free one)"
        )
    elif error.errno == errno.EACCES:
        message = f"not permitted to listen on {where}; ports below 1024 need a privilege"
        exit_code = EXIT_NO_PERMISSION
    else:
        message = f"cannot listen on {where}: {error.strerror or error}"
    return AddressUnavailableError(message, host=host, port=port, exit_code=exit_code)


def _url(listener: socket.socket) -> str:
    address: Any = listener.getsockname()
    host = socket.gethostname() if address[0] in _WILDCARDS else address[0]
    return f"http://[{host}]:{address[1]}" if ":" in host else f"http://{host}:{address[1]}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"
