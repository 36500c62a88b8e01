"""What the catalog does by itself while the registry runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from central_registry.catalog.domain import Catalog
from central_registry.domain import RegistryError
from maestro_core_logging import get_logger

INTERVAL: Final = timedelta(hours=1)
"""How often what is too old is looked for; it counts in days."""
_logger = get_logger(__name__)


async def forget_old_calls(
    catalog: Catalog,
    *,
    interval: timedelta = INTERVAL,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Forget what was observed too long ago, now and regularly, until cancelled.

    Args:
        catalog: The catalog.
        interval: How long to rest.
        sleep: Waits some seconds.
    """
    while True:
        try:
            if gone := await catalog.forget():
                _logger.info("Observed calls forgotten", days=gone)
        except RegistryError as error:
            _logger.error("Observed calls cannot be forgotten now", error=str(error), code=error.code)
        await sleep(interval.total_seconds())
