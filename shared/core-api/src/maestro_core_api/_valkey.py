"""The connection to Valkey, or another server that speaks Redis's protocol."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr

from maestro_core_logging import get_logger

from ._errors import CoreAPIError
from ._rate_limit_store import StoreUnavailableError

_TIMEOUT: Final = timedelta(milliseconds=500)
_PAUSE: Final = timedelta(seconds=1)
_MOST_CONNECTIONS: Final = 32
_LOGGER: Final = get_logger("maestro_core_api.valkey")


class ValkeyNotInstalledError(CoreAPIError):
    """The client of Valkey is not installed."""

    code = "VALKEY_NOT_INSTALLED"


class ValkeyNotOpenError(CoreAPIError):
    """Valkey was asked before the application's lifespan opened the connection."""

    code = "VALKEY_NOT_OPEN"


class ValkeyConnection:
    """Runs scripts on the server, each as one step that nothing comes in between.

    At most 32 connections are used at once; who comes later waits for one. After a failure nobody asks for a second: requests must not wait, one after another, for a server that is away.

    Args:
        url: `valkey://[user:password@]host:port/database`, or `valkeys://` for TLS.
        timeout: How long one call may take.
        clock: Seconds that only grow.
    """

    def __init__(
        self, url: SecretStr, *, timeout: timedelta = _TIMEOUT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._clock = clock
        self._client: Any = None
        self._failures: tuple[type[BaseException], ...] = ()
        self._scripts: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._away_until = float("-inf")
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the connection open while the block runs. The server need not be there.

        Raises:
            ValkeyNotInstalledError: The client is not installed.
        """
        try:
            from valkey.asyncio import Valkey  # noqa: PLC0415 - only services that share limits have it
            from valkey.asyncio.retry import Retry  # noqa: PLC0415 - as above
            from valkey.backoff import NoBackoff  # noqa: PLC0415 - as above
            from valkey.exceptions import ConnectionError as Disconnected  # noqa: PLC0415 - as above
            from valkey.exceptions import ValkeyError  # noqa: PLC0415 - as above
        except ImportError as error:
            raise ValkeyNotInstalledError(
                "valkey_url is set, but the client is not installed: install maestro-core-api[valkey]"
            ) from error
        seconds = self._timeout.total_seconds()
        # One more try at once: a connection that the server closed while it lay idle is told only when it is used.
        self._client = Valkey.from_url(
            self._url.get_secret_value(),
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
        )
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)  # of the loop that runs now
        self._failures = (ValkeyError, OSError, TimeoutError)
        try:
            yield
        finally:
            client, self._client = self._client, None
            self._scripts.clear()
            await client.aclose()

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[str | int | bytes]) -> Any:
        """Run a script.

        Args:
            script: The script, in Lua.
            keys: Keys that it reads and writes.
            arguments: Its arguments.

        Returns:
            What it returned.

        Raises:
            StoreUnavailableError: The server is away, or was a moment ago.
            ValkeyNotOpenError: The connection is not open.
        """
        if self._client is None:
            raise ValkeyNotOpenError(
                "Valkey is asked outside of the application's lifespan; start the application first"
            )
        async with self._places:
            if self._clock() < self._away_until:
                raise StoreUnavailableError("Valkey was away a moment ago")
            prepared = self._scripts.get(script)
            if prepared is None:
                prepared = self._scripts[script] = self._client.register_script(script)
            try:
                return await prepared(keys=keys, args=arguments)
            except self._failures as error:
                if self._clock() >= self._away_until:
                    _LOGGER.warning("Valkey cannot be asked", error=type(error).__name__, reason=str(error))
                self._away_until = self._clock() + _PAUSE.total_seconds()
                raise StoreUnavailableError("Valkey cannot be asked") from error
