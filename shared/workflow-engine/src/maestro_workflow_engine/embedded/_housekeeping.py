"""Keeping the journal's files small: pages that nothing uses are given back, and the write-ahead log is cut short.

Done by the writer in portions of a few milliseconds, when nothing waits to be written, or when very much is free.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

_QUIET_S: Final = 0.5
_BREATH_S: Final = 0.01
_PAGES_AT_ONCE: Final = 128
_FREE_WHEN_IDLE: Final = 64
_FREE_UNDER_LOAD: Final = 1_024
_FREE_PART_UNDER_LOAD: Final = 4
_LOG_WHEN_IDLE_BYTES: Final = 1024 * 1024
_READER_S: Final = 1.0
_COMMITS_BETWEEN_LOOKS: Final = 256


class Housekeeping:
    """Looks after one journal.

    Args:
        path: The journal.
        connection: The writer's, in autocommit mode; used on the writer's thread only.
    """

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self._log = Path(f"{path}-wal")
        self._connection = connection
        self._commits = 0
        self._has_shrunk = False
        self.wanted_after_s: float | None = _QUIET_S
        """After how much quiet there is something to do; None when all is in order."""

    def committed(self) -> None:
        """Take note of a commit. Now and then, when a quarter of the file is free, some of it is given back at once.

        The rest waits for a quiet moment: pages that are free now are what the next runs are written to.
        """
        self.wanted_after_s = _QUIET_S
        self._commits += 1
        if self._commits >= _COMMITS_BETWEEN_LOOKS:
            self._commits = 0
            with suppress(sqlite3.Error):
                free, pages = self._number("freelist_count"), self._number("page_count")
                if self._shrinks and free > max(_FREE_UNDER_LOAD, pages // _FREE_PART_UNDER_LOAD):
                    self._give_back()
                    self._commits = _COMMITS_BETWEEN_LOOKS - 1  # and more of it at the next commit

    def tidy(self) -> None:
        """Do a portion of what there is to do while nothing is to be written."""
        try:
            if self._shrinks and self._number("freelist_count") > _FREE_WHEN_IDLE:
                self._give_back()
                self.wanted_after_s = _BREATH_S
                return
            if not self._cut_log():
                self.wanted_after_s = _READER_S
                return
        except sqlite3.Error:  # a full disk: after the next commit
            pass
        self.wanted_after_s = None

    @property
    def _shrinks(self) -> bool:
        return self._number("auto_vacuum") != 0

    def _give_back(self) -> None:
        # The pragma answers each page with a row without columns, and `execute` stops at the first.
        self._connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        self._has_shrunk = True

    def _cut_log(self) -> bool:
        """Cut the log, which makes the file shorter too; tell whether that is done, or a reader was in the way."""
        try:
            size = self._log.stat().st_size
        except OSError:  # a journal without a log needs none cut
            return True
        if size <= _LOG_WHEN_IDLE_BYTES and not self._has_shrunk:
            return True
        self._connection.execute("PRAGMA busy_timeout = 0")  # a reader's turn is not waited for
        try:
            (is_busy, *_), *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not is_busy:
                self._has_shrunk = False  # the file gets shorter only now
            return not is_busy
        finally:
            self._connection.execute("PRAGMA busy_timeout = 10000")

    def _number(self, pragma: str) -> int:
        found: int = self._connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        return found
