"""The time of a time-skipping engine, in a test's hands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from maestro_workflow_engine._errors import WorkflowContextError
from maestro_workflow_engine._records import moment
from maestro_workflow_engine.embedded._virtual_clock import VirtualClock
from maestro_workflow_engine.machine._current import current_machine


class VirtualTime:
    """Reads and moves the virtual time of an engine; `engine.time` of `WorkflowEngine.test()`."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """Return the virtual time, UTC."""
        return moment(self._clock.now_us())

    async def sleep(self, duration: timedelta) -> None:
        """Wait until this much virtual time has passed.

        Everything that falls due by then, and what follows from it, has happened when the call returns. An engine made
        with `auto=False` only gets there when somebody calls `advance`. In a step's stand-in it makes the step last longer:
        its timeout, and all other time, goes on meanwhile.

        Args:
            duration: The virtual time to wait. Zero: until everything that is due already has happened.

        Raises:
            WorkflowContextError: Called by workflow code, which has asyncio.sleep.
            StandstillError: Nothing has happened, in real time, for as long as the engine has patience.
            EngineClosedError: The engine closed meanwhile.
        """
        if current_machine() is not None:
            raise WorkflowContextError("engine.time is for tests and stand-ins; a workflow sleeps with asyncio.sleep()")
        await self._clock.sleep(duration)

    async def advance(self, duration: timedelta) -> None:
        """Move time by this much; the way to move it in an engine made with `auto=False`.

        Everything that falls due by then, and what follows from it, has happened when the call returns.

        Args:
            duration: The virtual time to move by.

        Raises:
            StandstillError: A step has kept time from moving, in real time, for as long as the engine has patience.
            EngineClosedError: The engine closed meanwhile.
        """
        await self._clock.advance(duration)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Keep time from moving within the block, for a test that does real work while another task waits for a result."""
        hold = self._clock.hold("the test has stopped time")
        try:
            yield
        finally:
            hold.release()
