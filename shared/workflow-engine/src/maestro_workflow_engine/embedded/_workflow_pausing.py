"""Pausing workflows: every run of one, those to come included. A pause is one row; no run is written to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from maestro_workflow_engine._records import PausedWorkflow
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._journal import Statement, Write
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._opened import Acknowledgement, Opened
from maestro_workflow_engine.embedded._pauses import ADD, REMOVE, Pause, record, sealed

_TAKEN_UP_AT_ONCE = 100
_ORDER = ("paused workflows",)


class EmbeddedPausing:
    """Pauses workflows; each call returns once what it did is on disk."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._taking_up: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Take up no more runs; the next opening does."""
        for task in self._taking_up:
            task.cancel()

    async def pause(self, workflow: str, version: str | None, reason: str) -> None:
        """Start nothing more of a workflow's runs. One that is paused stays as it is.

        Raises:
            PayloadError: The reason is too large to be kept.
            JournalWriteError: The disk refuses; it was not paused.
        """
        pause = sealed(Pause(workflow, version or "", self._opened.clock.now_us(), b""), reason, self._opened.sealer)
        values = (pause.workflow, pause.version, pause.since_us, pause.reason)
        await self._write((ADD, values), lambda: self._hold(pause))

    async def resume(self, workflow: str, version: str | None) -> None:
        """Let a workflow's runs go on, a batch after another. One that is not paused stays as it is.

        Raises:
            JournalWriteError: The disk refuses; it stays paused.
        """
        pair = (workflow, version or "")
        await self._write((REMOVE, pair), lambda: self._release(*pair))

    def paused(self) -> list[PausedWorkflow]:
        """Return which workflows are paused."""
        return [record(pause, self._opened.sealer) for pause in self._opened.core.pauses.listing()]

    async def _write(self, statement: Statement, apply: Callable[[], None]) -> None:
        """Write a change; memory follows the disk, whether the caller is still there or not."""
        done = Acknowledgement()

        def durable() -> None:
            apply()
            done.durable()

        self._opened.uploads.submit(Write(durable, on_failed=done.failed, also=(statement,), order=_ORDER))
        await done.wait()

    def _hold(self, pause: Pause) -> None:
        core = self._opened.core
        core.pauses.add(pause)
        for run in core.residents:
            if not run.is_held and core.pauses.find(run.workflow, run.version) is not None:
                core.hold(run)

    def _release(self, workflow: str, version: str) -> None:
        core = self._opened.core
        if not core.pauses.remove(workflow, version):
            return
        crash_points.reach(crash_points.WORKFLOW_RESUMED)
        task = self._opened.clock.spawn(self._take_up(workflow, version), name=f"resuming workflow {workflow!r}")
        self._taking_up.add(task)
        task.add_done_callback(self._taking_up.discard)

    async def _take_up(self, workflow: str, version: str) -> None:
        """Bring back, a batch at a time, the runs that may have something to do. Should the process die, opening does."""
        core, reader, clock = self._opened.core, self._opened.reader, self._opened.clock
        # In order of age, as below: those in memory are no more than fit there.
        for index, run in enumerate(sorted(core.residents, key=_age)):
            core.release(run)
            if index % _TAKEN_UP_AT_ONCE == _TAKEN_UP_AT_ONCE - 1:
                await asyncio.sleep(0)
        await self._flushed()  # runs that left memory while they were held are marked so on disk now
        after, rung_us = 0, max(core.rung_us, clock.now_us())
        while keys := reader.held(workflow, version, rung_us, after, _TAKEN_UP_AT_ONCE):
            for key in keys:
                core.residents.load(key)
            after = keys[-1]
            await self._flushed()  # what their timers brought has happened; those that only wait may leave again
            async with clock.within(None):
                await core.steps.room()

    async def _flushed(self) -> None:
        done = Acknowledgement()
        self._opened.uploads.submit(Write(done.durable))  # without on_failed: while the disk refuses, it waits
        await done.wait()


def _age(run: LiveRun) -> int:
    return run.key
