"""How a journal of an older format becomes one of today's: one step a version, all of them in one transaction.

To change the format:

1. Add a step at the end of `_STEPS`: the statements, in order. A step that a release has had is never changed. Events are not rewritten:
   fields are added to them and never renamed, so that every release's events can be read.
2. A table with rows of runs is named in `_run_tables.RUN_TABLES`, so that they are purged with their run.
3. Write the golden journal of the new format: `python golden_writing.py > journal-next.sql` in `tests/golden`. A new kind of event also gets an
   entry in `golden_events.py`, and should happen in `golden_writing.make`.
4. At a release `journal-next.sql` is copied to `journal-v<number>.sql`, and stays as it is from then on.

A new file goes through the same steps, so that there is one way to a format. A step must do with what an old, large file allows: it is one
transaction, and the engine opens only once it is through.
"""

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
    (  # search attributes and their index; pauses of workflows
        "ALTER TABLE runs ADD COLUMN attributes BLOB",
        """
        CREATE TABLE attributes (
            name  TEXT NOT NULL,
            kind  INTEGER NOT NULL,
            value NOT NULL,
            run   INTEGER NOT NULL,
            PRIMARY KEY (name, kind, value, run)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX attributes_by_run ON attributes (run)",
        """
        CREATE TRIGGER attributes_go_with_their_run AFTER DELETE ON runs
        BEGIN DELETE FROM attributes WHERE run = OLD.key; END
        """,
        """
        CREATE TABLE paused_workflows (
            workflow TEXT NOT NULL,
            version  TEXT NOT NULL,
            since_us INTEGER NOT NULL,
            reason   BLOB NOT NULL,
            PRIMARY KEY (workflow, version)
        ) WITHOUT ROWID
        """,
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
    (  # queues. No index and no text before a key: a rescue tells the rows of damaged pages apart by their shapes
        "ALTER TABLE runs ADD COLUMN ran_as TEXT",
        "CREATE TABLE places (run INTEGER PRIMARY KEY, settings BLOB NOT NULL, begun INTEGER NOT NULL)",
        "CREATE TABLE admissions (queue TEXT, at_us INTEGER, run INTEGER, PRIMARY KEY (queue, at_us, run)) WITHOUT ROWID",
        "CREATE TABLE paused_queues (name TEXT PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID",
    ),
    (  # children that outlive their parents, and what long steps say
        "ALTER TABLE runs ADD COLUMN on_parent_close TEXT",
        """CREATE TABLE heartbeats (
    run     INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    details BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID""",
    ),
    (  # events: what has come, who listens, what is to leave, and how much each run has told about itself
        "CREATE TABLE events (source TEXT, id TEXT, type TEXT, time_us INTEGER, PRIMARY KEY (source, id)) WITHOUT ROWID",
        "CREATE INDEX events_by_time ON events (time_us)",
        "CREATE TABLE subscriptions (run INTEGER, name TEXT, filters BLOB, PRIMARY KEY (run, name)) WITHOUT ROWID",
        "CREATE TABLE outbox (number INTEGER PRIMARY KEY, event BLOB NOT NULL)",
        "CREATE TABLE announced (run INTEGER PRIMARY KEY, number INTEGER NOT NULL)",
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
