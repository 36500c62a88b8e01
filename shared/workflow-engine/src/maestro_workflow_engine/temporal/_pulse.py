"""Signs of life of one attempt on their way to the cluster, and what an attempt before said with its last one.

The cluster numbers attempts, lost ones too. With each sign of life goes how many have failed, and the cluster keeps the last
one for the next attempt: so a worker that is lost costs no attempt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from temporalio import activity

from maestro_workflow_engine._step_info import RunningAttempt
from maestro_workflow_engine.temporal._sizes import Sizes
from maestro_workflow_engine.temporal._wire import Told, packed, raw


class Pulse:
    """Tells the cluster that the worker lives, and what the step says of itself. Made where the attempt runs.

    Args:
        beat_s: How often the worker says that it lives; None for a local activity, of which the cluster knows nothing.
        before: The details of the last heartbeat of an attempt before.
        attempt: The cluster's number of this one.
        sizes: Refuses details that are too large.

    Attributes:
        failed: How many attempts have failed before.
    """

    def __init__(self, beat_s: float | None, before: Sequence[Any], attempt: int, sizes: Sizes) -> None:
        self._beat_s = beat_s
        self._sizes = sizes
        told = msgspec.convert(before[1], Told) if len(before) > 1 else Told(attempt - 1 if before else 0, bool(before))
        self.failed = (
            told.failed if beat_s is not None else attempt - 1
        )  # local attempts are not counted on after a loss
        self._before = msgspec.Raw(msgspec.json.encode(before[0])) if told.said else None
        self._loop = asyncio.get_running_loop()
        self._said = asyncio.Event()

    def beat(self, attempt: RunningAttempt, details: msgspec.Raw) -> None:
        """Take a sign of life, on any thread.

        Raises:
            PayloadError: Its details are too large.
        """
        self._sizes.check("heartbeat", details)
        attempt.latest = (time.time_ns() // 1000, details)
        if attempt.silence is not None:
            attempt.silence.beat()
        if not attempt.is_noticed:
            attempt.is_noticed = True
            try:
                self._loop.call_soon_threadsafe(self._said.set)
            except RuntimeError:
                raise asyncio.CancelledError("the engine's event loop has ended") from None

    def recall(self, attempt: RunningAttempt) -> msgspec.Raw | None:
        """Return what an attempt before last said."""
        del attempt  # there is one for each pulse
        return self._before

    @contextmanager
    def kept(self, attempt: RunningAttempt) -> Iterator[None]:
        """Give signs of life while the block runs, and the last one at its end: the next attempt finds what was said."""
        if self._beat_s is None:
            yield
            return
        task = asyncio.create_task(self._keep(attempt, self._beat_s), name="heartbeat")
        try:
            yield
        finally:
            task.cancel()
            attempt.is_stopped = True
            if attempt.is_noticed:
                self._send(attempt)

    def fail(self, attempt: RunningAttempt) -> None:
        """Say that the attempt has failed, before the cluster is told how."""
        self.failed += 1
        if self._beat_s is not None:
            self._send(attempt)

    async def _keep(self, attempt: RunningAttempt, beat_s: float) -> None:
        while True:
            self._send(attempt)
            try:
                async with asyncio.timeout(beat_s):
                    await self._said.wait()
            except TimeoutError:
                continue
            self._said.clear()

    def _send(self, attempt: RunningAttempt) -> None:
        attempt.is_noticed = False  # before it is read, so that the next one is not missed
        latest = self._before if attempt.latest is None else attempt.latest[1]
        activity.heartbeat(raw(latest or b"null"), packed(Told(self.failed, latest is not None)))
