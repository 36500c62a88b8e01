"""What the registry does by itself while it runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from central_registry.domain import Clock, Registry, RegistryError, RegistryFullError
from maestro_core_api import running_task
from maestro_core_logging import get_logger

_SHORTEST_REST: Final = timedelta(milliseconds=20)


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
        interval: How long to rest between two rounds, unless a lease ends before.
        clock: Gives the present, as the registry's; None for rounds at the interval alone.
        beat: How often to tell the registry that it is awake.
        sleep: Waits some seconds between rounds.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        own_entry: OwnEntry | None,
        interval: timedelta,
        clock: Clock | None = None,
        beat: timedelta = timedelta(milliseconds=250),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._registry = registry
        self._own_entry = own_entry
        self._interval = interval
        self._clock = clock
        self._beat = beat
        self._pauses = 0
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
        async with (
            running_task(self._work(), name="housekeeping"),
            running_task(self._stay_awake(), name="beat"),
        ):
            yield

    async def tidy(self) -> None:
        """Do one round. What fails, such as a full disk, is left to the next one and complained of once."""
        expired = self._registry.expire()
        if self._registry.pauses != self._pauses:
            self._pauses = self._registry.pauses
            self._logger.warning(
                "The registry stood still; everyone who was live gets a whole lease to be heard of again"
            )
        for instance in expired:
            registration = instance.registration
            self._logger.warning(
                "Lease expired",
                instance_of=registration.service,
                instance_id=registration.instance_id,
                url=registration.url,
                lease_s=registration.lease.total_seconds(),
            )
        failure = None
        for work in (self._announce, self._registry.clear_away):
            try:
                await work()
            except RegistryError as error:
                failure = failure or error
        self._complain(failure)

    def _complain(self, failure: RegistryError | None) -> None:
        if failure is not None and not self._complained:
            kept_out = isinstance(failure, RegistryFullError)
            self._logger.error(
                "The registry has no room for its own entry; trying on"
                if kept_out
                else "The database cannot be written; trying on",
                error=str(failure),
                code=failure.code,
            )
        self._complained = failure is not None

    async def _work(self) -> None:
        while True:
            await self._sleep(self._rest().total_seconds())
            await self.tidy()

    async def _stay_awake(self) -> None:
        # A task of its own: a round may wait for the disk.
        while True:
            self._registry.beat()
            await asyncio.sleep(self._beat.total_seconds())

    def _rest(self) -> timedelta:
        first_end = self._registry.next_expiry()
        if self._clock is None or first_end is None:
            return self._interval
        return min(self._interval, max(first_end - self._clock(), _SHORTEST_REST))

    async def _announce(self) -> None:
        # Registering the same again is a renewal; after a long stall of the process it is the way back in.
        if (own := self._own_entry) is not None:
            # The identifier is always the same, so that a restarted registry replaces its entry of before.
            await self._registry.register(own.service, own.service, url=own.url, version=own.version)
