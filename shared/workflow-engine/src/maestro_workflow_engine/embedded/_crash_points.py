"""Named places at the journal's boundaries where the fault suite lets the process die.

Nothing is armed outside that suite; reaching a place then costs one look at an empty dictionary.
"""

from __future__ import annotations

import os
import signal
from typing import Final

STEP_DONE: Final = "step-done"
"""A step has returned; its result is nowhere but in memory."""

BEFORE_COMMIT: Final = "before-commit"
"""A transaction is complete and not committed."""

AFTER_COMMIT: Final = "after-commit"
"""A transaction is on disk; nobody knows."""

BEFORE_APPLY: Final = "before-apply"
"""An event is on disk; its run has not seen it."""

AFTER_APPLY: Final = "after-apply"
"""A run has seen an event; what it asks for has not begun."""

RUN_ENDING: Final = "run-ending"
"""A workflow has ended; its last event is not queued yet."""

WORKFLOW_RESUMED: Final = "workflow-resumed"
"""The end of a workflow's pause is on disk; none of its runs goes on yet."""

ALL: Final = (STEP_DONE, BEFORE_COMMIT, AFTER_COMMIT, BEFORE_APPLY, AFTER_APPLY, RUN_ENDING, WORKFLOW_RESUMED)

_armed: dict[str, int] = {}


def arm(name: str, hits: int) -> None:
    """Let the process be killed the `hits`-th time it reaches a place."""
    if name not in ALL:
        raise ValueError(f"there is no crash point {name!r}; there are {', '.join(ALL)}")
    _armed[name] = hits


def reach(name: str) -> None:
    """Pass a place, or die there: by SIGKILL, so that nothing is cleaned up."""
    if _armed and name in _armed:
        _armed[name] -= 1
        if _armed[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
