"""Settings that a running service takes up without being started again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from maestro_core_config import BaseConfig, ConfigChange, ConfigError, ConfigManager
from maestro_core_logging import get_logger, set_log_level

_logger = get_logger(__name__)


@asynccontextmanager
async def followed(settings: ConfigManager[Any]) -> AsyncIterator[None]:
    """Follow the sources of a service's settings while the block runs, and give the log the level that they say.

    A level that was set by hand, under `/ops/loggers`, gives way to the next change of the setting.

    Args:
        settings: What the configuration was loaded by. A configuration that cannot be read any more is not followed.

    Yields:
        Nothing.
    """
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(settings.watch(on_change=_take_up))
        except ConfigError as error:
            _logger.warning("The configuration is not followed: it cannot be read any more", reason=str(error))
        yield


def _take_up(change: ConfigChange[BaseConfig]) -> None:
    if change.touches("log_level"):
        set_log_level(change.config.log_level)
