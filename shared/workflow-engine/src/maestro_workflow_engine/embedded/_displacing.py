"""A run that has ended makes room for another of its id; it stays readable as `<id>~1`, then `<id>~2`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maestro_workflow_engine._errors import WorkflowConflictError
from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.embedded._reader import JournalReader, RunRow
from maestro_workflow_engine.embedded._sealing import Sealer

_GAP = 1_000_000
"""How far the new run's sequence numbers begin above the highest in the old one's history.

Whatever the old run had asked for when it ended, and what is therefore in no history, had a number below that: it stands for a task or
a timer in memory, of which no run has a million."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """What a new run needs of the one whose id it takes.

    `statements` go before the new run's row, in its transaction; `objects` must be in the payload store before that.
    """

    id: str
    first_seq: int
    statements: tuple[Statement, ...]
    objects: dict[str, bytes]


def check_displaceable(row: RunRow) -> None:
    """Refuse to take its id from a run that is needed under it.

    Raises:
        WorkflowConflictError: It is a child: its parent looks for it under its id.
    """
    if row.parent_key is not None:
        raise WorkflowConflictError(row.id, f"run {row.id!r} is the child of another run, which needs it under its id")


def displace(row: RunRow, reader: JournalReader, sealer: Sealer, *, is_taken: Callable[[str], bool]) -> Displaced:
    """Return how a run that has ended gives up its id.

    Args:
        row: The run.
        reader: The journal.
        sealer: Seals its payloads anew, which are bound to the id.
        is_taken: Tells whether there is a run of an id, or will be.

    Raises:
        WorkflowConflictError: It is a child: its parent looks for it under its id.
        PayloadUnreadableError: A payload cannot be read, and so cannot be sealed anew.
    """
    check_displaceable(row)
    new_id = _free_id(row.id, is_taken)
    objects: dict[str, bytes] = {}
    statements: list[Statement] = [("UPDATE runs SET id = ?, ran_as = ? WHERE key = ?", (new_id, row.id, row.key))]
    if reader.is_sealed(row.key):
        for position, plain in reader.raw_history(row.key):
            data = sealer.seal_bytes(new_id, position, plain, objects)
            statements.append(
                ("UPDATE history SET event = ? WHERE run = ? AND position = ?", (data, row.key, position))
            )
    return Displaced(new_id, reader.last_seq(row.key) + _GAP, tuple(statements), objects)


def _free_id(run_id: str, is_taken: Callable[[str], bool]) -> str:
    def is_free(number: int) -> bool:
        return not is_taken(f"{run_id}~{number}")

    taken, free = 0, 1
    while not is_free(free):
        taken, free = free, free * 2
    while free - taken > 1:  # a hole is as good as the end
        middle = (taken + free) // 2
        taken, free = (taken, middle) if is_free(middle) else (middle, free)
    return f"{run_id}~{free}"
