"""One journal, one engine: an advisory lock beside the file that names its holder.

A journal reached through a symbolic link or another spelling of its path has the same lock. One that has two names of its
own (hard links) is refused: SQLite's log goes by the name, so that two names would be two logs for one file.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from maestro_workflow_engine._errors import JournalError, JournalLockedError


class JournalLock:
    """Held from opening to closing; the kernel frees it when the process dies, however it dies."""

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._path = lock_of(Path(journal))
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            JournalLockedError: Somebody else has it; names the process.
            JournalError: The file has a second name.
        """
        _refuse_second_name(self._journal)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 32).decode(errors="replace").strip()
            os.close(file)
            raise JournalLockedError(self._journal, int(holder) if holder.isdigit() else None) from None
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Let the lock go. The lock file stays: removing it would let two engines lock two files of one name."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def lock_of(journal: Path) -> Path:
    """Return where the lock of a journal is: beside the file itself, whatever link led to it."""
    real = journal.resolve()
    return real.with_name(f"{real.name}.lock")


def _refuse_second_name(journal: str) -> None:
    try:
        names = Path(journal).stat().st_nlink
    except FileNotFoundError:
        return
    if names > 1:
        raise JournalError(
            journal,
            f"journal {journal} has {names} names (hard links), and an engine under the other one would destroy it; nothing was "
            "changed. Remove the other names (`find -samefile` shows them), or copy the file and open the copy.",
        )
