"""Writing to a journal that no engine has open."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from maestro_workflow_engine._errors import JournalWriteError
from maestro_workflow_engine.embedded._journal import Statement


def write(connection: sqlite3.Connection, path: str, statements: Sequence[Statement]) -> None:
    """Execute statements in one transaction.

    Args:
        connection: The journal's, in autocommit mode.
        path: Its file, for messages.
        statements: What to execute, in order.

    Raises:
        JournalWriteError: The disk refuses; nothing was written.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.OperationalError as error:
        what = f"journal {path} cannot be written: {error}. Free some space and start the move again."
        raise JournalWriteError(path, what) from error
