"""What the registry does by itself while it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from central_registry.domain import Registry, StorageError
from maestro_core_logging import get_logger


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """The registry's entry in itself."""

    service: str
    """Name of the registry."""
    url: str
    """Where the registry answers."""
    version: str
    """Version of the registry."""


class Housekeeper:
    """Keeps the registry's own entry alive and takes out whom nobody heard of.

    Args:
        registry: The registry.
        own_entry: The registry's entry in itself; None when its address is not known.
        interval: How long to rest between two rounds.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        own_entry: OwnEntry | None,
        interval: timedelta,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._registry = registry
        self._own_entry = own_entry
        self._interval = interval
        self._sleep = sleep
        self._logger = get_logger(__name__)
        self._complained = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Do a round every now and then while the block runs.

        Yields:
            Nothing; the registry knows itself when the block begins.

        Raises:
            InvalidRegistrationError: The registry's own address breaks its rules.
            StorageError: The registry cannot keep its own entry.
        """
        await self._announce()
        task = asyncio.create_task(self._work(), name="housekeeping")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def tidy(self) -> None:
        """Do one round. A database that fails is left to the next one and complained of once."""
        for instance in self._registry.expire():
            registration = instance.registration
            self._logger.warning(
                "Lease expired",
                instance_of=registration.service,
                instance_id=registration.instance_id,
                url=registration.url,
                lease_s=registration.lease.total_seconds(),
            )
        try:
            await self._announce()
            await self._registry.clear_away()
        except StorageError as error:
            if not self._complained:
                self._logger.error("The database cannot be written; trying on", error=str(error), code=error.code)
            self._complained = True
        else:
            self._complained = False

    async def _work(self) -> None:
        while True:
            await self._sleep(self._interval.total_seconds())
            await self.tidy()

    async def _announce(self) -> None:
        # Registering the same again is a renewal; after a long stall of the process it is the way back in.
        if (own := self._own_entry) is not None:
            # The identifier is always the same, so that a restarted registry replaces its entry of before.
            await self._registry.register(own.service, own.service, url=own.url, version=own.version)
