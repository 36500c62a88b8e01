"""Tells the newest checkpoint to those who keep it elsewhere: the log, and whoever listens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from governance_service.repeating import repeated
from maestro_core_logging import get_logger
from maestro_core_messaging import MessagingError

from .anchoring import Anchorer
from .domain import Checkpoint

_logger = get_logger(__name__)

Publish = Callable[[Checkpoint], Awaitable[None]]
"""Publishes a checkpoint."""


class Announcer:
    """Logs the newest checkpoint now and then, and publishes it. Both leave the machine; who then cuts the trail's tail off contradicts them.

    Args:
        anchorer: Has the newest checkpoint.
        interval: How long after one another.
    """

    def __init__(self, anchorer: Anchorer, *, interval: timedelta) -> None:
        self._anchorer = anchorer
        self._interval = interval
        self._told: Checkpoint | None = None
        self.publish: Publish | None = None
        """Publishes a checkpoint as well; None while there is no server for events."""

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Announce while the block runs, and once at its end."""
        async with repeated(self._announce, every=self._interval, name="audit-announcements", at_once=False):
            yield
        await self._announce()

    async def _announce(self) -> None:
        newest = self._anchorer.newest
        if newest is None or newest == self._told:
            return
        self._told = newest
        _logger.info("Audit checkpoint", position=newest.position, checkpoint=newest.line())
        if self.publish is None:
            return
        try:
            await self.publish(newest)
        except MessagingError as error:
            # The next one vouches for this one, too.
            _logger.warning("An audit checkpoint could not be published", error_code=error.code, reason=str(error))
