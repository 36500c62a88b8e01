"""One journal, one engine: an advisory lock beside the file that names its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from maestro_workflow_engine._errors import JournalLockedError


class JournalLock:
    """Held from opening to closing; the kernel frees it when the process dies, however it dies."""

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self._path = Path(f"{journal}.lock")
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            JournalLockedError: Somebody else has it; names the process.
        """
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
