"""Telling the registry who calls whom, so that it can compare that with what services declare."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from maestro_core_api import APIClient, APIException, RemoteAPIException, running_task
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector
from telemetry_store.errors import StorageError
from telemetry_store.storage import (
    Batch,
    Observed,
    TelemetryFile,
    count_calls,
    next_batch,
    settle_batch,
)

_SERVICE_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FOR_EVER: Final = frozenset({400, 413, 422})
_logger = get_logger(__name__)


class Reporting:
    """Counts calls and reports them. What was counted is reported once, also over restarts: a batch keeps its idempotency key.

    Args:
        file: What the counts are made from, and where they wait.
        registry: The registry's client; open, with its address as base.
        metrics: Where it is counted.
    """

    def __init__(self, file: TelemetryFile, registry: APIClient, metrics: MetricsCollector) -> None:
        self._file = file
        self._registry = registry
        self._reported = metrics.counter(
            "telemetry_calls_reported_total", "Calls between services that the registry was told of."
        )
        self._told_of_failure = False

    @asynccontextmanager
    async def at_work(self, interval_s: float) -> AsyncIterator[None]:
        """Report again and again while the block runs.

        Args:
            interval_s: The pause between two reports, in seconds.

        Yields:
            Nothing.
        """
        async with running_task(self._again_and_again(interval_s), name="telemetry-reporting"):
            yield

    async def report(self) -> None:
        """Count, and report everything that was counted.

        Raises:
            APIException: The registry does not take it now; it is offered again.
            StorageError: The file cannot be read or written.
        """
        await self._file.write(count_calls)
        while (batch := await self._file.write(next_batch)) is not None:
            await self._send(batch)
            await self._file.write(lambda connection, done=batch.id: settle_batch(connection, done))  # type: ignore[misc]

    async def _send(self, batch: Batch) -> None:
        # A name from a library elsewhere may be none of a service here; the registry would refuse all for its sake.
        named = [each for each in batch.observed if _is_service(each.caller) and _is_service(each.callee)]
        if not named:
            return
        body = {"observations": [_body(each) for each in named]}
        try:
            await self._registry.post("/catalog/observations", json=body, headers={"Idempotency-Key": batch.id})
        except RemoteAPIException as error:
            if error.status_code not in _FOR_EVER:
                raise
            _logger.error("The registry refuses observed calls; they are dropped", reason=str(error), pairs=len(named))
            return
        self._reported.inc(sum(each.calls for each in named))

    async def _again_and_again(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.report()
            except (APIException, StorageError) as error:
                if not self._told_of_failure:
                    _logger.warning("Observed calls wait for the registry", reason=str(error))
                self._told_of_failure = True
            else:
                self._told_of_failure = False


def _is_service(name: str) -> bool:
    return _SERVICE_NAME.fullmatch(name) is not None


def _body(observed: Observed) -> dict[str, Any]:
    return {
        "caller": observed.caller,
        "callee": observed.callee,
        "calls": observed.calls,
        "errors": observed.errors,
        "first_seen": _moment(observed.first_ns),
        "last_seen": _moment(observed.last_ns),
    }


def _moment(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat()
