"""A real server for one block."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from maestro_core_api._app import MaestroAPI
from maestro_core_api._listener import bind
from maestro_core_api._server import serving


@asynccontextmanager
async def running(app: MaestroAPI, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a real socket while the block runs.

    Args:
        app: The application; its lifespan runs.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Yields:
        The base URL.
    """
    with bind(host, port) as listener:
        async with serving(app, listener):
            assert app.bound_url is not None
            yield app.bound_url
