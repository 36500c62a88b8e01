"""Sagas: what was done is undone, last first, when what was to follow fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, ParamSpec, Self

from maestro_workflow_engine._errors import WorkflowError
from maestro_workflow_engine.machine._machine import ContinueAsNewSignal, RunDroppedSignal

P = ParamSpec("P")
_NO_FAILURE = (GeneratorExit, RunDroppedSignal, ContinueAsNewSignal)  # the run leaves memory, or starts over


class Compensation(StrEnum):
    """In which order a saga compensates."""

    LAST_FIRST = "last_first"
    """One after another, in the reverse order of `add`."""

    TOGETHER = "together"
    """All at once."""


class CompensationError(ExceptionGroup[Exception], WorkflowError):
    """Compensations failed; the others have run all the same. Its `__cause__` is what had made them necessary.

    Attributes:
        exceptions: What they failed with, in the order in which they were run.
    """

    code = "COMPENSATION_FAILED"

    def derive(self, excs: Sequence[Exception], /) -> CompensationError:  # type: ignore[override]  # it holds no others
        """Return a group of the same kind with some of the exceptions."""
        return CompensationError(self.message, excs)


class Saga:
    """Undoes what a workflow has done when the block that did it ends with an exception, cancellation included.

        async with Saga() as saga:
            payment = await charge(order)
            saga.add(refund, payment)
            saga.add(release, await reserve(order))
            await ship(order)

    Compensations are shielded: a cancellation (of the run, of a task, by a timeout) that comes while they run is raised when
    they are done, and not before. Only `terminate` stops them. What the block raised goes on being raised once they have succeeded.

    They are retried as their steps say. One that fails for good does not keep the others from running.

    Args:
        order: How they are run. Default: last first.
    """

    def __init__(self, order: Compensation = Compensation.LAST_FIRST) -> None:
        self._order = Compensation(order)
        self._compensations: list[Callable[[], Awaitable[object]]] = []

    def add(self, compensation: Callable[P, Awaitable[object]], *args: P.args, **kwargs: P.kwargs) -> None:
        """Take note of how something is undone.

        Add it after the step that it undoes or, when the step may have done its work although it fails (it timed out, say),
        before it; the compensation must then do no harm where there is nothing to undo.

        Args:
            compensation: A step, a workflow (it runs as a child) or any other async callable.
            *args: Its arguments.
            **kwargs: Its keyword arguments.

        Raises:
            TypeError: It cannot be called.
        """
        if not callable(compensation):
            raise TypeError(f"a compensation is called later: pass the function itself, not {compensation!r}")
        self._compensations.append(lambda: compensation(*args, **kwargs))

    def dismiss(self) -> None:
        """Forget what was added: from here on there is nothing to undo, whatever happens."""
        self._compensations.clear()

    async def compensate(self) -> None:
        """Undo what was done, now; afterwards there is nothing left to undo.

        Raises:
            CompensationError: Compensations failed.
            asyncio.CancelledError: The run, or the task that waits, was cancelled meanwhile; every compensation has run.
        """
        await self._undo(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Compensate when the block has raised."""
        if error is None or isinstance(error, _NO_FAILURE):
            self.dismiss()
        else:
            await self._undo(error)

    async def _undo(self, cause: BaseException | None) -> None:
        compensations = self._compensations[::-1]
        self._compensations.clear()
        if not compensations:
            return
        run = _together if self._order is Compensation.TOGETHER else _in_turn
        failures = await _shielded(run(compensations))
        if failures:
            raise CompensationError(
                f"{len(failures)} of {len(compensations)} compensations failed", failures
            ) from cause


async def _in_turn(compensations: list[Callable[[], Awaitable[object]]]) -> list[Exception]:
    failures: list[Exception] = []
    for compensation in compensations:
        try:
            await compensation()
        except Exception as error:  # noqa: BLE001  the others must run all the same
            failures.append(error)
    return failures


async def _together(compensations: list[Callable[[], Awaitable[object]]]) -> list[Exception]:
    found = await asyncio.gather(*(_in_turn([compensation]) for compensation in compensations))
    return [error for failures in found for error in failures]


async def _shielded(work: Any) -> list[Exception]:
    """Wait for work to its end, then raise a cancellation that came meanwhile, unless there are failures to tell of."""
    task: asyncio.Task[list[Exception]] = asyncio.create_task(work, name="compensations")
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancellation = error
    failures = task.result()
    if cancellation is not None and not failures:
        raise cancellation
    return failures
