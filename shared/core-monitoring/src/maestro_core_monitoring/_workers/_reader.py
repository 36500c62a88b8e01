"""Reading the numbers of one worker, living or dead."""

import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from maestro_core_monitoring._metrics._declaration import MetricDeclaration

from . import _lock
from ._keys import Keys


class WorkerReader:
    """Reads one worker's files again and again; only what is new is parsed.

    Args:
        values: File of its numbers.
        keys: File of what they mean.
    """

    def __init__(self, values: Path, keys: Path) -> None:
        self._values = os.open(values, os.O_RDONLY | os.O_CLOEXEC)
        self._keys_path = keys
        # Kept open, so that a text that is written anew cannot get the inode of the one that was read.
        self._text = os.open(keys, os.O_RDONLY | os.O_CLOEXEC)
        self._keys = Keys()
        self._taken_in = 0
        self._map: mmap.mmap | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the worker still runs."""
        return _lock.is_held(self._values)

    def series(self) -> Iterator[tuple[MetricDeclaration, tuple[str, ...], Sequence[float]]]:
        """Yield metric, label values and numbers of every series."""
        self._read_keys()
        size = os.fstat(self._values).st_size
        if not size:
            return
        if self._map is None or len(self._map) != size:
            self._map = mmap.mmap(self._values, size, prot=mmap.PROT_READ)
        # Numbers are aligned to their size and read one by one, so that none is read while half of it is written.
        with memoryview(self._map) as raw, raw.cast("d") as numbers:
            for at, (name, labels) in list(self._keys.places.items()):
                metric = self._keys.metrics.get(name)
                if metric is not None and at + metric.size <= len(numbers):
                    yield metric, labels, numbers[at : at + metric.size].tolist()

    def close(self) -> None:
        """Let go of the files."""
        self._map = None
        os.close(self._values)
        os.close(self._text)

    def _read_keys(self) -> None:
        if self._keys_path.stat().st_ino != os.fstat(self._text).st_ino:  # written anew, shorter
            os.close(self._text)
            self._text = os.open(self._keys_path, os.O_RDONLY | os.O_CLOEXEC)
            self._keys, self._taken_in = Keys(), 0
        size = os.fstat(self._text).st_size
        # A lock on the text would make the worker wait; a line that is not finished is taken in the next time.
        self._taken_in += self._keys.read(os.pread(self._text, size - self._taken_in, self._taken_in))


def locked_exclusively(descriptor: int) -> None:
    """Mark a file as that of a worker that lives, for as long as this process has it open."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
