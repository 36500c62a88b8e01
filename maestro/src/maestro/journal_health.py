"""Whether runs can be accepted: the engine is open, and its journal takes writes."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from maestro_core_monitoring import HealthCheckError
from maestro_workflow_engine import EngineClosedError, WorkflowEngine, WorkflowError

_PROBE_BYTES = 65_536


class JournalHealth:
    """A readiness check.

    The engine notes a refused write, and the next write that succeeds clears the note. When nobody asks for anything
    there is no next write, so a note that has not been renewed for a while is checked against the disk itself:
    otherwise a service that is sent nothing because it is not ready would never be ready again.

    Args:
        engine: The engine.
        folder: Folder of the journal; None when it is not a file of ours.
        quiet: How long a refusal counts without being renewed.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        engine: WorkflowEngine,
        folder: Path | None,
        *,
        quiet: timedelta = timedelta(seconds=5),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._quiet_s = quiet.total_seconds()
        self._clock = clock
        self._last: WorkflowError | None = None
        self._seen_at = 0.0

    async def check(self) -> None:
        """Pass when a run could be accepted now.

        Raises:
            HealthCheckError: It could not; the message says why.
        """
        try:
            failure = self._engine.failure
        except EngineClosedError as error:
            raise HealthCheckError(str(error)) from error
        if failure is None:
            self._last = None
            return
        if failure is not self._last:
            self._last, self._seen_at = failure, self._clock()
        if self._clock() - self._seen_at < self._quiet_s:
            raise HealthCheckError(str(failure)) from failure
        if self._folder is not None:
            await asyncio.to_thread(_probe, self._folder)


def _probe(folder: Path) -> None:
    """Write a file and force it to the disk, as the journal would."""
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".probe-") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise HealthCheckError(f"{folder} cannot be written: {error.strerror}. Free some space.") from error
