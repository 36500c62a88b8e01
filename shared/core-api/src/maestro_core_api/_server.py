"""Serving an application on granian: in this process, or in several workers on one socket.

granian's usual server starts worker processes, which survive the death of their parent. Its embedded server runs in the
caller's event loop, and the workers, where there are several, are ours (`_workers.py`): a SIGKILL leaves nothing behind.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import uvloop

from ._errors import AddressUnavailableError, StartupError
from ._granian import EmbeddedServer
from ._heap import settle_heap
from ._listener import address_of, bind
from ._workers import supervise

if TYPE_CHECKING:
    from ._app import MaestroAPI

EXIT_SOFTWARE: Final = 70
EXIT_CONFIG: Final = 78


def run_service(app: "MaestroAPI", host: str, port: int, workers: int) -> None:
    """Serve until SIGTERM or SIGINT; see `MaestroAPI.run`.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        workers: How many processes serve.

    Raises:
        SystemExit: The service did not start, or stopped for an error.
    """
    name = app.config.service_name
    try:
        if app.config.tls is not None:
            app.config.tls.checked()
        listener = bind(host, port)
    except StartupError as error:
        sys.stderr.write(f"{name}: {error}\n")
        raise SystemExit(EXIT_CONFIG) from None
    except AddressUnavailableError as error:
        sys.stderr.write(f"{name}: {error}\n")
        raise SystemExit(error.exit_code) from None
    settle_heap()
    with listener:
        if workers == 1:
            code = serve_here(app, listener)
        else:
            url = app.config.advertise_url or address_of(listener, secure=app.config.tls is not None)
            app.logger.info("Serving with several workers", url=url, workers=workers)
            code = supervise(app, listener, workers, serve_here)
    if code:
        raise SystemExit(code)


def serve_here(app: "MaestroAPI", listener: socket.socket) -> int:
    """Serve in this process until SIGTERM or SIGINT.

    Args:
        app: The application.
        listener: A listening socket.

    Returns:
        0 after a graceful stop, 70 when the application did not start; the reason is on stderr then.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve_until_signal(app, listener))
    except StartupError as error:
        sys.stderr.write(f"{app.config.service_name}: {error}\n")
        return EXIT_SOFTWARE
    return 0


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
    app.bound_url = address_of(listener, secure=app.config.tls is not None)
    server = EmbeddedServer(app, listener)
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
        app.begin_drain()
        server.stop()  # type: ignore[no-untyped-call]  # granian's embedded server carries no types
        app.in_flight.end_streams()
        await _finished(task, app)
        app.bound_url = None


async def _serve_until_signal(app: "MaestroAPI", listener: socket.socket) -> None:
    stop, now = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            # Asked a second time: whoever asks does not want to wait for running requests.
            now.set()
            app.in_flight.end_all()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM,) if app.worker is not None else (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        async with serving(app, listener, stop=stop) as task:
            app.logger.info("Serving", url=app.bound_url, version=app.config.version)
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            delay_s = app.config.shutdown_delay.total_seconds()
            app.logger.info("Stopping", delay_s=delay_s)
            app.begin_drain()
            if delay_s and not task.done():
                with suppress(TimeoutError):
                    await asyncio.wait_for(now.wait(), delay_s)
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


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"
