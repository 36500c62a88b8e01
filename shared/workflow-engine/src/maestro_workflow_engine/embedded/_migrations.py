"""How a journal of an older format becomes one of today's: one step a version, all of them in one transaction."""

from __future__ import annotations

import sqlite3

from maestro_workflow_engine.embedded import _crash_points as crash_points

BASE_VERSION = 1
"""The version that a new file has before the steps are taken."""

# What the events of an older journal refer to; the mark is looked for first, as it is in few of them, if any.
_REFER_TO_STORED = """
INSERT OR IGNORE INTO payload_refs (run, position, sha256)
SELECT h.run, h.position, json_extract(field.value, '$."$maestro.ref".sha256')
FROM history h, json_each(CAST(h.event AS TEXT)) field
WHERE instr(h.event, CAST('{"$maestro.ref":' AS BLOB)) AND field.type = 'object'
    AND json_extract(field.value, '$."$maestro.ref".sha256') IS NOT NULL
"""

_STEPS: tuple[tuple[str, ...], ...] = (
    (  # 2: schedules
        "CREATE TABLE schedules (id TEXT PRIMARY KEY, settings BLOB NOT NULL, progress BLOB NOT NULL) WITHOUT ROWID",
    ),
    (  # retention: what a purge leaves behind, and which stored payloads are still needed
        "ALTER TABLE runs ADD COLUMN history_purged_us INTEGER",
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
        "INSERT INTO facts (name, value) VALUES ('journal_id', lower(hex(randomblob(16))))",
        "CREATE TABLE payload_refs (run INTEGER, position INTEGER, sha256 TEXT, PRIMARY KEY (run, position, sha256)) WITHOUT ROWID",
        "CREATE INDEX payload_refs_by_object ON payload_refs (sha256)",
        "CREATE TABLE payload_garbage (sha256 TEXT PRIMARY KEY, since_us INTEGER NOT NULL) WITHOUT ROWID",
        _REFER_TO_STORED,
    ),
)

LATEST_VERSION = BASE_VERSION + len(_STEPS)
"""The format this release writes."""


def migrate(connection: sqlite3.Connection, found: int) -> None:
    """Take a journal to the latest version, wholly or not at all.

    Args:
        connection: In autocommit mode, to a file that is known to be a sound journal.
        found: The version it has.

    Raises:
        sqlite3.Error: The file cannot be written; it is as it was.
    """
    if found >= LATEST_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in _STEPS[found - BASE_VERSION :]:
            for statement in step:
                connection.execute(statement)
                crash_points.reach(crash_points.MIGRATING)
        connection.execute(f"PRAGMA user_version = {LATEST_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
