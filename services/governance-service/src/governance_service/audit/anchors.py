"""Checkpoints in a folder: one line each, written once, on disk before anybody is told."""

import fcntl
import os
from pathlib import Path
from typing import Final

from .domain import AnchorError, Checkpoint, NoCheckpointError, Signs, signed

FILE: Final = "checkpoints.jsonl"
_LONGEST_LINE: Final = 4_096


class AnchorFolder:
    """The folder of one trail's checkpoints. Several processes of a machine may share it.

    Args:
        folder: The folder; it is made when it is not there.
        key: Signs checkpoints.
    """

    def __init__(self, folder: Path, key: Signs) -> None:
        self.file = folder / FILE
        self._key = key

    def read(self) -> list[Checkpoint]:
        """Return all checkpoints, in the order in which they were written. Their signatures have not been looked at.

        Raises:
            NoCheckpointError: A line is no checkpoint.
            AnchorError: The file cannot be read.
        """
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AnchorError(self.file, str(error.strerror)) from error
        # What a crash left of a line was acknowledged to nobody.
        lines = content[: content.rfind(b"\n") + 1].splitlines()
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(Checkpoint.read(line))
            except NoCheckpointError as error:
                raise NoCheckpointError(f"line {number} of {self.file} is no checkpoint: {error}") from error
        return found

    def extend(self, *, log_id: str, position: int, entry_hash: str, time_us: int) -> Checkpoint:
        """Sign how far the chain is, and keep it. Blocks until it is on disk.

        Args:
            log_id: Which chain.
            position: Position of its last entry.
            entry_hash: Hash of its last entry.
            time_us: Now.

        Returns:
            The checkpoint; another process's when that has one as far already.

        Raises:
            AnchorError: It cannot be written.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_new = not self.file.exists()
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                last = _last(descriptor)
                if last is not None and last.log_id == log_id and last.position >= position:
                    return last
                made = signed(
                    self._key, log_id=log_id, position=position, entry_hash=entry_hash, time_us=time_us, previous=last
                )
                _write(descriptor, made.line().encode() + b"\n")
            finally:
                os.close(descriptor)
            if is_new:
                _sync(self.file.parent)
        except OSError as error:
            raise AnchorError(self.file, str(error.strerror)) from error
        return made


def _last(descriptor: int) -> Checkpoint | None:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, 2 * _LONGEST_LINE, max(0, size - 2 * _LONGEST_LINE))
    whole = tail[: tail.rfind(b"\n") + 1]
    if len(whole) < len(tail):
        os.ftruncate(descriptor, size - (len(tail) - len(whole)))
    lines = whole.splitlines()
    if not lines:
        return None
    try:
        return Checkpoint.read(lines[-1])
    except NoCheckpointError:
        # Verification names it. What is signed from now on begins anew beside it.
        return None


def _write(descriptor: int, line: bytes) -> None:
    written = os.write(descriptor, line)
    if written < len(line):
        # The disk is full. The rest of the line must not become part of another one.
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
        raise OSError(28, "No space left on device")
    os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
