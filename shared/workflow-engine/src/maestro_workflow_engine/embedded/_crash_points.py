"""Named places at the journal's boundaries where the fault suite lets the process die, or has it wait as for a slow disk.

Nothing is armed outside that suite; reaching a place then costs one look at an empty dictionary.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
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

MIGRATING: Final = "migrating"
"""A statement of a migration is done; the transaction is not committed."""

PAYLOAD_DELETED: Final = "payload-deleted"
"""A stored payload is gone; the journal still lists it as to be deleted."""

COMPACTED: Final = "compacted"
"""A compacted journal is complete on disk beside the one it is to replace."""

MOVE_MARKED: Final = "move-marked"
"""A run, or a schedule, is marked as moved in its journal; the other engine does not have it yet."""

MOVE_TAKEN: Final = "move-taken"
"""The other engine has it; the journal does not know yet."""

ALL: Final = (STEP_DONE, BEFORE_COMMIT, AFTER_COMMIT, BEFORE_APPLY, AFTER_APPLY, RUN_ENDING, WORKFLOW_RESUMED)
"""Where a run can die."""

UPKEEP: Final = (MIGRATING, PAYLOAD_DELETED, COMPACTED)
"""Where the care of files can die."""

MOVES: Final = (MOVE_MARKED, MOVE_TAKEN)
"""Where a move to another engine can die."""

_armed: dict[str, Callable[[], object]] = {}


def arm(name: str, hits: int) -> None:
    """Let the process be killed the `hits`-th time it reaches a place."""
    at(name, partial(_count_down, [hits]))


def at(name: str, callback: Callable[[], object]) -> None:
    """Call back each time a place is reached, on the thread that reaches it; whatever the callback takes, the place takes."""
    if name not in ALL + UPKEEP + MOVES:
        raise ValueError(f"there is no crash point {name!r}; there are {', '.join(ALL + UPKEEP + MOVES)}")
    _armed[name] = callback


def disarm() -> None:
    """Let every place be passed again."""
    _armed.clear()


def reach(name: str) -> None:
    """Pass a place, or die there: by SIGKILL, so that nothing is cleaned up."""
    if _armed and name in _armed:
        _armed[name]()


def _count_down(left: list[int]) -> None:
    left[0] -= 1
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
