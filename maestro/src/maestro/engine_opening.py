"""Opening the engine. A cluster may start at the same time as its orchestrator, and take longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from maestro_core_logging import get_logger
from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine

_PAUSE_S: Final = 0.5
_logger = get_logger(__name__)


@asynccontextmanager
async def opened(engine: WorkflowEngine, *, patience: timedelta) -> AsyncIterator[WorkflowEngine]:
    """Open an engine; wait for its cluster, where it has one.

    Args:
        engine: The engine, not open yet.
        patience: How long a cluster may take until it can be reached.

    Yields:
        The engine, open.

    Raises:
        ClusterUnreachableError: The cluster could not be reached in time; the last try's reason.
        WorkflowError: The engine cannot be opened for another reason.
    """
    deadline = time.monotonic() + patience.total_seconds()
    told = False
    while True:
        try:
            await engine.__aenter__()
            break
        except ClusterUnreachableError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                told = True
                _logger.warning("Waiting for the Temporal cluster", reason=str(error), for_s=patience.total_seconds())
        await asyncio.sleep(_PAUSE_S)
    try:
        yield engine
    finally:
        await engine.__aexit__(None, None, None)
