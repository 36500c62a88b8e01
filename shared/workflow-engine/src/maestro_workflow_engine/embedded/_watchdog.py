"""Notices that the event loop is held up, and says by whom: the workflow, step or other code that blocks it.

Nothing is asked of the code that runs. A timer on the loop leaves a sign a few times a second; a thread looks whether the
sign is fresh, and where it is not, it reads the stack of the loop's thread. So an event costs nothing more than it did.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from maestro_core_logging import get_logger
from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine.embedded._culprit import Culprit, find_culprit

_LOOKS_PER_LIMIT = 4
_logger = get_logger(__name__)


class Watchdog:
    """Watches the event loop of the thread it is started on.

    Args:
        limit: How long one piece of work may hold the loop before a warning is logged.

    Attributes:
        blocked: What holds the loop; None while nothing does. May be read from any thread.
    """

    def __init__(self, limit: timedelta) -> None:
        self.blocked: BlockedInfo | None = None
        self._limit_s = limit.total_seconds()
        self._interval_s = self._limit_s / _LOOKS_PER_LIMIT
        self._stop = threading.Event()
        self._sign = 0.0
        self._watched = 0
        self._timer: asyncio.TimerHandle | None = None
        # The thread's own:
        self._culprit: Culprit | None = None
        self._since = 0.0
        self._warn_at_s = self._limit_s

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Watch while the block runs."""
        self._watched = threading.get_ident()
        self._leave_sign(asyncio.get_running_loop())
        thread = threading.Thread(target=self._watch, name="maestro-watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            if self._timer is not None:
                self._timer.cancel()
            thread.join()

    def _leave_sign(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sign = time.monotonic()
        self._timer = loop.call_later(self._interval_s, self._leave_sign, loop)

    # ── on the thread ────────────────────────────────────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._look(time.monotonic())
        self._over(time.monotonic())

    def _look(self, now: float) -> None:
        sign = self._sign
        if now - sign < 2 * self._interval_s:
            self._over(sign)
            return
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  CPython's documented way to another thread's stack
        culprit = None if frame is None else find_culprit(frame)
        del frame  # it would keep the locals of everybody on the stack
        if culprit is None:
            self._over(now)
            return
        if self._culprit is None:
            self._since = sign  # the whole time is its own
        elif not culprit.is_same_as(self._culprit):
            self._over(now)  # many short pieces of work are a busy engine, not a blocked one
            self._since = now
        self._culprit = culprit
        if now - self._since >= self._limit_s:
            self._report(culprit, now - self._since)

    def _report(self, culprit: Culprit, for_s: float) -> None:
        blocked_for = timedelta(seconds=for_s)
        since = self.blocked.since if self.blocked else datetime.now(UTC) - blocked_for
        self.blocked = BlockedInfo(
            kind=culprit.kind,
            run_id=culprit.run_id,
            workflow=culprit.workflow,
            step=culprit.step,
            since=since,
            blocked_for=blocked_for,
            stack=culprit.stack,
        )
        if for_s >= self._warn_at_s:
            self._warn_at_s = 2 * for_s
            _logger.warning(
                "Event loop is blocked; no run can go on",
                **_facts(culprit, for_s),
                where=culprit.stack[-1] if culprit.stack else None,
                frames=list(culprit.stack),
                advice=_ADVICE[culprit.kind],
            )

    def _over(self, at: float) -> None:
        culprit, self._culprit = self._culprit, None
        if self.blocked is not None and culprit is not None:
            self.blocked = None
            self._warn_at_s = self._limit_s
            _logger.warning("Event loop goes on", **_facts(culprit, at - self._since))


def _facts(culprit: Culprit, for_s: float) -> dict[str, Any]:
    named = {"run_id": culprit.run_id, "workflow": culprit.workflow, "step": culprit.step}
    return {
        "culprit": culprit.kind,
        **{name: value for name, value in named.items() if value is not None},
        "blocked_s": round(for_s, 3),
    }


_ADVICE = {
    "workflow": "put what takes long into a step; a plain (not async) step function runs in a thread",
    "step": "make the step a plain function, which runs in a thread, or await what it waits for",
    "code": "it is no workflow and no step; the stack shows what else runs on this event loop",
}
