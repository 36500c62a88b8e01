"""Runs: what callers may ask of the engine, in the words of the catalog."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from maestro.domain import run_updates
from maestro.domain.catalog import Catalog
from maestro.domain.errors import (
    Fault,
    InvalidInputError,
    InvalidRequestError,
    RunEndedError,
    UnknownRunError,
    UnusableWorkflowError,
)
from maestro_core_logging import get_logger
from maestro_workflow_engine import (
    ClusterUnreachableError,
    HistoryEvent,
    RunDetail,
    RunStatus,
    StartOptions,
    WorkflowEndedError,
    WorkflowEngine,
    WorkflowNotFoundError,
)

_TAKEN_IDS: Final = frozenset({"count"})
_AWAY_S: Final = 1.0
_logger = get_logger(__name__)


class Runs:
    """The runs of a running orchestrator.

    Args:
        engine: Runs the workflows; open.
        catalog: The workflows there are.
    """

    def __init__(self, engine: WorkflowEngine, catalog: Catalog) -> None:
        self._engine = engine
        self._catalog = catalog

    async def start(
        self, reference: str, payload: Any, run_id: str | None, options: StartOptions | None = None
    ) -> RunDetail:
        """Start a run; returns once it is kept.

        Args:
            reference: "namespace/name" or "namespace/name:version".
            payload: The input, any JSON value.
            run_id: Its id; None for a new one. A run of the same workflow that has it is returned instead.
            options: How it is started.

        Returns:
            The run.

        Raises:
            UnknownWorkflowError: There is no such workflow.
            UnusableWorkflowError: It cannot run at the moment.
            InvalidInputError: The input does not fit the document's schema.
            InvalidRequestError: The id has another meaning here.
            WorkflowError: The engine refuses: see `WorkflowEngine.start`.
        """
        _check_id(run_id)
        definition = self._catalog.find(reference)
        if definition.problem is not None:
            raise UnusableWorkflowError(str(definition.key), definition.problem)
        fault = definition.check_input(payload)
        if fault is not None:
            raise InvalidInputError(fault)
        # Always with the version, so that catalog and engine cannot differ about which one is the latest.
        handle = await self._engine.start(
            f"{definition.engine_name}:{definition.key.version}", payload, id=run_id, options=options
        )
        return await handle.status()

    async def get(self, run_id: str) -> RunDetail:
        """Return a run in full.

        Raises:
            UnknownRunError: There is no such run.
        """
        with _about(run_id):
            return await self._engine.handle(run_id).status()

    async def history(self, run_id: str) -> list[HistoryEvent]:
        """Return everything that happened to a run, in order.

        Raises:
            UnknownRunError: There is no such run.
        """
        with _about(run_id):
            return await self._engine.handle(run_id).history()

    async def export(self, run_id: str) -> dict[str, Any]:
        """Return a run as a JSON document; see `WorkflowHandle.export_history`.

        Raises:
            UnknownRunError: There is no such run.
        """
        with _about(run_id):
            return await self._engine.handle(run_id).export_history()

    async def watch(self, run_id: str, *, after: int) -> AsyncIterator[HistoryEvent]:
        """Follow a run; see `WorkflowEngine.watch`. When its cluster is away, it is waited for: nothing is lost.

        Args:
            run_id: The run.
            after: Only events after this position; -1 for all.
        """
        while True:
            try:
                async for event in self._engine.watch(run_id, after=after):
                    yield event
                    after = event.position
            except ClusterUnreachableError as error:
                _logger.warning("Following a run waits for the cluster", run_id=run_id, reason=str(error))
                await asyncio.sleep(_AWAY_S)
            else:
                return

    async def query(self, run_id: str, key: str) -> Any:
        """Return what a run has published under a key.

        Raises:
            UnknownRunError: There is no such run.
            QueryNotFoundError: It has published nothing under this key.
        """
        with _about(run_id):
            return await self._engine.handle(run_id).query(key)

    async def signal(self, run_id: str, name: str, payload: Any) -> None:
        """Send a signal; returns once it is kept.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: It has ended.
            WorkflowError: The engine refuses: see `WorkflowHandle.signal`.
        """
        with _about(run_id):
            await self._engine.handle(run_id).signal(name, payload)

    async def update(self, run_id: str, name: str, payload: Any, *, update_id: str, wait: timedelta) -> Any:
        """Ask a run for something and return its answer; see `run_updates.ask`.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: It has ended.
            UpdateUnansweredError: The answer has not come in time.
            UpdateUnsettledError: Not even the request could be kept in time.
            WorkflowError: It was rejected, it failed, or the engine refuses.
        """
        with _about(run_id):
            return await run_updates.ask(self._engine.handle(run_id), name, payload, update_id=update_id, wait=wait)

    async def find_update(self, run_id: str, name: str, update_id: str) -> run_updates.UpdateOutcome:
        """Look up how an update stands; see `run_updates.find`.

        Raises:
            UnknownRunError: There is no such run.
            UnknownUpdateError: It was not asked for this.
            WorkflowError: It was rejected, it failed, or the engine refuses.
        """
        with _about(run_id):
            return await run_updates.find(self._engine.handle(run_id), name, update_id)

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop; returns once that is kept. Cancelling a cancelled run again is fine.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: It has ended in another way.
            WorkflowError: The engine refuses: see `WorkflowHandle.cancel`.
        """
        with _about(run_id):
            handle = self._engine.handle(run_id)
            status = (await handle.status()).status
            if not status.is_open and status is not RunStatus.CANCELLED:
                raise RunEndedError(run_id, status.value)
            await handle.cancel(reason)

    async def terminate(self, run_id: str, reason: str) -> None:
        """End a run at once. One that has ended stays as it is.

        Raises:
            UnknownRunError: There is no such run.
        """
        with _about(run_id):
            await self._engine.handle(run_id).terminate(reason)

    async def pause(self, run_id: str, reason: str) -> None:
        """Start nothing more of a run; returns once that is kept.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: It has ended.
            WorkflowError: The engine refuses: see `WorkflowHandle.pause`.
        """
        with _about(run_id):
            await self._engine.handle(run_id).pause(reason)

    async def resume(self, run_id: str) -> None:
        """Let a paused run go on; returns once that is kept.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: It has ended.
            WorkflowError: The engine refuses: see `WorkflowHandle.resume`.
        """
        with _about(run_id):
            await self._engine.handle(run_id).resume()

    async def reprioritize(self, run_id: str, priority: int) -> None:
        """Move a run within the queue it waits in; returns once that is kept.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: It has ended.
            WorkflowError: The engine refuses: see `WorkflowHandle.reprioritize`.
        """
        with _about(run_id):
            await self._engine.handle(run_id).reprioritize(priority)

    async def retry(self, run_id: str) -> None:
        """Let a failed run go on from its failed step.

        Raises:
            UnknownRunError: There is no such run.
            WorkflowError: The engine refuses: see `WorkflowHandle.retry`.
        """
        with _about(run_id):
            await self._engine.handle(run_id).retry()

    async def fork(self, run_id: str, step: int, new_id: str | None) -> RunDetail:
        """Start a new run that takes over what completed before a step.

        Raises:
            UnknownRunError: There is no such run.
            InvalidRequestError: The new id has another meaning here.
            WorkflowError: The engine refuses: see `WorkflowEngine.fork`.
        """
        _check_id(new_id)
        with _about(run_id):
            handle = await self._engine.fork(run_id, step=step, id=new_id)
            return await handle.status()


def _check_id(run_id: str | None) -> None:
    if run_id in _TAKEN_IDS:
        raise InvalidRequestError(
            Fault("body.id", f"{run_id!r} cannot be a run's id: GET /runs/{run_id} has another meaning")
        )


@contextmanager
def _about(run_id: str) -> Iterator[None]:
    """Turn the engine's errors about a run into ours."""
    try:
        yield
    except WorkflowNotFoundError as error:
        if error.name != run_id:
            raise
        raise UnknownRunError(run_id) from error
    except WorkflowEndedError as error:
        raise RunEndedError(run_id, error.status) from error
