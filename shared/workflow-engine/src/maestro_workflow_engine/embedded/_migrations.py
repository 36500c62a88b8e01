"""How a journal of an older format becomes one of today's: one step a version, all of them in one transaction."""

from __future__ import annotations

import sqlite3

BASE_VERSION = 1
"""The version that a new file has before the steps are taken."""

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
        connection.execute(f"PRAGMA user_version = {LATEST_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
