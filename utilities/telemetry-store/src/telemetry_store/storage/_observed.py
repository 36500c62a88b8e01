"""Which service has called which, counted once: from a span's arrival to the registry's answer.

A call is counted when both of its spans are here, whichever comes first. What is counted waits in `observed`; what is on its way to the
registry is a batch that does not change any more, so that it can be sent again under the same name.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from telemetry_store.records import Span

MOST_PAIRS: Final = 1_000
"""In one batch: what the registry takes at once."""
_CALLS: Final = """
FROM uncounted
JOIN spans AS callee ON callee.trace_id = uncounted.trace_id AND callee.span_id = uncounted.span_id
JOIN spans AS caller ON caller.trace_id = callee.trace_id AND caller.span_id = callee.parent_id
"""
_NOW: Final = "unixepoch() * 1000000000"
"""A clock that is ahead must not put calls into the future: the registry would refuse them."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Calls from one service to another."""

    caller: str
    callee: str
    calls: int
    errors: int
    first_ns: int
    """When the first one began, in nanoseconds since the epoch."""
    last_ns: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What the registry is told at once."""

    id: str
    """Its name: whoever has taken it once takes it no second time."""
    observed: tuple[Observed, ...]


def note_calls(connection: sqlite3.Connection, spans: Sequence[Span]) -> None:
    """Note the answered calls among spans that are about to be kept; those that are here already have been noted.

    Args:
        connection: In a transaction.
        spans: The spans.
    """
    connection.executemany(
        """INSERT OR IGNORE INTO uncounted SELECT :trace, :span, unixepoch()
           WHERE NOT EXISTS (SELECT 1 FROM spans WHERE trace_id = :trace AND span_id = :span)""",
        [{"trace": span.trace_id, "span": span.span_id} for span in spans if span.kind == "server" and span.parent_id],
    )


def count_calls(connection: sqlite3.Connection) -> None:
    """Count the calls of which both spans are here.

    Args:
        connection: In a transaction.
    """
    connection.execute(
        f"""INSERT INTO observed
            SELECT caller.service, callee.service, count(*), sum(callee.failed),
                min(min(callee.start_ns, {_NOW})), max(min(callee.start_ns, {_NOW}))
            {_CALLS} WHERE caller.service <> callee.service GROUP BY caller.service, callee.service
            ON CONFLICT (caller, callee) DO UPDATE SET
                calls = calls + excluded.calls, errors = errors + excluded.errors,
                first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)"""
    )
    connection.execute(
        f"""DELETE FROM uncounted WHERE (trace_id, span_id) IN
            (SELECT uncounted.trace_id, uncounted.span_id {_CALLS})"""  # noqa: S608 - a text of our own
    )


def forget_uncounted(connection: sqlite3.Connection, before_s: float) -> None:
    """Give up calls whose caller's span has not come: it was not sampled, or whoever called sends no spans.

    Args:
        connection: In a transaction.
        before_s: Those that came before this moment, in seconds since the epoch.
    """
    connection.execute("DELETE FROM uncounted WHERE arrived_s < ?", (before_s,))


def next_batch(connection: sqlite3.Connection) -> Batch | None:
    """Return what the registry is to be told next: the batch on its way, or a new one of what was counted since.

    Args:
        connection: In a transaction.

    Returns:
        The batch; None when there is nothing to tell.
    """
    row = connection.execute("SELECT id FROM batch LIMIT 1").fetchone()
    if row is not None:
        return _read(connection, row[0])
    batch_id = str(uuid4())
    pairs = connection.execute("SELECT caller, callee FROM observed LIMIT ?", (MOST_PAIRS,)).fetchall()
    for pair in pairs:
        connection.execute(
            "INSERT INTO batch SELECT ?, * FROM observed WHERE caller = ? AND callee = ?", (batch_id, *pair)
        )
        connection.execute("DELETE FROM observed WHERE caller = ? AND callee = ?", tuple(pair))
    return _read(connection, batch_id) if pairs else None


def settle_batch(connection: sqlite3.Connection, batch_id: str) -> None:
    """Forget a batch: it has been taken, or never will be.

    Args:
        connection: In a transaction.
        batch_id: Its name.
    """
    connection.execute("DELETE FROM batch WHERE id = ?", (batch_id,))


def _read(connection: sqlite3.Connection, batch_id: str) -> Batch:
    rows = connection.execute(
        "SELECT caller, callee, calls, errors, first_ns, last_ns FROM batch WHERE id = ? ORDER BY caller, callee",
        (batch_id,),
    )
    return Batch(batch_id, tuple(Observed(*row) for row in rows))
