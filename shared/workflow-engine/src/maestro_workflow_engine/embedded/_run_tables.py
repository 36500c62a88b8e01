"""What the journal keeps of a run, and the statements that delete it. Whoever adds a table with rows of runs names it here."""

from __future__ import annotations

import msgspec

from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.embedded._purge_plan import Portion

RUN_TABLES: tuple[tuple[str, str], ...] = (
    ("payload_refs", "run"),
    ("history", "run"),
    ("attributes", "run"),
    ("places", "run"),
    ("heartbeats", "run"),
    ("subscriptions", "run"),
    ("announced", "run"),
)
"""Every table with rows of a run besides `runs` itself, and the column that holds the run's key."""

# A run counts as ended only if it still is, and ended when the plan says: it may have been retried since.
_ENDED = (
    "SELECT r.key FROM json_each(?) ended JOIN runs r ON r.key = json_extract(ended.value, '$[0]')"
    " WHERE r.finished_us = json_extract(ended.value, '$[1]')"
)
_UNREFERENCED = "INSERT OR IGNORE INTO payload_garbage (sha256, since_us) SELECT DISTINCT sha256, ? FROM payload_refs"
_LAST_PURGED_KEY = (
    "INSERT INTO facts (name, value) VALUES ('last_purged_key', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
)
_encode = msgspec.json.encode


def purging(portion: Portion, now_us: int) -> tuple[Statement, ...]:
    """Return what deletes a portion, in one transaction.

    Args:
        portion: What goes.
        now_us: The time, in µs since the epoch.
    """
    statements: list[Statement] = []
    for cut in portion.cuts:
        one = _encode([(cut.key, cut.finished_us)]).decode()
        between = f"run IN ({_ENDED}) AND position > ? AND position < ?"
        values = (one, cut.after, cut.before)
        statements += [
            (f"{_UNREFERENCED} WHERE {between}", (now_us, *values)),
            (f"DELETE FROM payload_refs WHERE {between}", values),  # noqa: S608  the clause is ours
            (f"DELETE FROM history WHERE {between}", values),  # noqa: S608  the clause is ours
            (f"UPDATE runs SET history_purged_us = ? WHERE key IN ({_ENDED})", (now_us, one)),  # noqa: S608  likewise
        ]
    if portion.deleted:
        all_ = _encode(portion.deleted).decode()
        statements.append((f"{_UNREFERENCED} WHERE run IN ({_ENDED})", (now_us, all_)))
        statements += [
            (f"DELETE FROM {table} WHERE {column} IN ({_ENDED})", (all_,))  # noqa: S608  the names are ours
            for table, column in RUN_TABLES
        ]
        statements.append((_LAST_PURGED_KEY, (max(key for key, _ in portion.deleted),)))
        statements.append((f"DELETE FROM runs WHERE key IN ({_ENDED})", (all_,)))  # noqa: S608  the clause is ours
    return tuple(statements)


def forgetting_passes(key: int, before: int, now_us: int) -> tuple[Statement, ...]:
    """Return what lets go of the stored payloads of a run's earlier passes.

    Args:
        key: The run.
        before: The position at which its current pass begins.
        now_us: The time, in µs since the epoch.
    """
    return (
        (f"{_UNREFERENCED} WHERE run = ? AND position < ?", (now_us, key, before)),
        ("DELETE FROM payload_refs WHERE run = ? AND position < ?", (key, before)),
    )


def referring(run: int, position: int, sha256: str) -> Statement:
    """Return what says that an event refers to a stored payload."""
    return "INSERT OR IGNORE INTO payload_refs (run, position, sha256) VALUES (?, ?, ?)", (run, position, sha256)
