"""The file of the API key: keys are rotated, and an engine that is open takes the new one without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from maestro_core_logging import get_logger

READ_AGAIN_S = 5.0
"""How often the file is read."""

_logger = get_logger(__name__)


@asynccontextmanager
async def followed(path: Path | None, known: str | None, take: Callable[[str], None]) -> AsyncIterator[None]:
    """Read a key file again and again while the block runs.

    Args:
        path: The file; None follows nothing.
        known: The key it held when the cluster was reached.
        take: Takes a new key.
    """
    if path is None:
        yield
        return
    task = asyncio.create_task(_follow(path, known, take), name="api key")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(path: Path, known: str | None, take: Callable[[str], None]) -> None:
    is_readable = True
    while True:
        await asyncio.sleep(READ_AGAIN_S)
        try:
            key = (await asyncio.to_thread(path.read_text)).strip()
        except (OSError, UnicodeDecodeError) as error:
            if is_readable:
                _logger.warning(
                    "API key file cannot be read; the old key stays in use", path=str(path), error=str(error)
                )
            is_readable = False
            continue
        is_readable = True
        if key and key != known:  # an empty file is being written
            take(key)
            known = key
            _logger.info("API key replaced", path=str(path))
