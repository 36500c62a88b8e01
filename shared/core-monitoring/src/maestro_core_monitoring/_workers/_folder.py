"""The folder in which the workers of one service keep their numbers, and what stands in it.

`<number>-<pid>-<started>.values`: the numbers of one worker, locked while it lives. `….keys` beside it: what they mean.
`departed.json`: the counters of workers that are gone. `lock`: held to read the folder (shared) or to change it.
"""

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from maestro_core_monitoring._errors import MonitoringError

from . import _lock

VALUES: Final = ".values"
KEYS: Final = ".keys"


@dataclass(frozen=True, slots=True)
class WorkerName:
    """What the name of a worker's files says."""

    number: int
    """Small number, unique among the workers that live; one that is free is taken again."""
    pid: int
    """Its process."""
    stem: str
    """Name of its files, without the ending."""

    @staticmethod
    def of(path: Path) -> "WorkerName":
        """Read the name of a file."""
        number, pid, _ = path.stem.split("-")
        return WorkerName(int(number), int(pid), path.stem)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the workers of one service keep their numbers."""

    path: Path
    """The folder."""

    @property
    def lock(self) -> Path:
        """File whose lock is held to read or change the folder."""
        return self.path / "lock"

    @property
    def departed(self) -> Path:
        """File with the counters of workers that are gone."""
        return self.path / "departed.json"

    def made(self) -> "Folder":
        """Make the folder unless it is there, readable by its owner only.

        Returns:
            This folder.

        Raises:
            MonitoringError: It cannot be made or written to; says why.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _lock.exclusive(self.lock):
                pass
        except OSError as error:
            raise MonitoringError(
                f"the workers' metrics cannot be kept in {self.path}: {error.strerror}; "
                "MAESTRO_WORKERS_DIR must name a folder that this service may write to"
            ) from error
        return self

    def workers(self) -> dict[str, Path]:
        """Return the files of numbers by their worker's name, dead workers' included."""
        return {path.stem: path for path in sorted(self.path.glob(f"*{VALUES}"))}

    def keys_of(self, stem: str) -> Path:
        """Return the file beside a worker's numbers."""
        return self.path / f"{stem}{KEYS}"

    def living(self) -> list[WorkerName]:
        """Return the workers that live, by number."""
        found = []
        for path in self.workers().values():
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _lock.is_held(descriptor):
                    found.append(WorkerName.of(path))
            finally:
                os.close(descriptor)
        return sorted(found, key=lambda worker: worker.number)

    def free_number(self) -> int:
        """Return the smallest number that no living worker has."""
        taken = {worker.number for worker in self.living()}
        return next(number for number in itertools.count() if number not in taken)
