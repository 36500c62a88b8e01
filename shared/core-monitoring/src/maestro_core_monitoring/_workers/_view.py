"""What all workers have counted, at one moment."""

import threading
from collections.abc import Sequence

from ._departed import read_departed
from ._folder import Folder, WorkerName
from ._lock import shared
from ._merging import Merged
from ._reader import WorkerReader


class WorkersView:
    """Reads the numbers of all workers of a service.

    Args:
        folder: Where they keep them.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._readers: dict[str, WorkerReader] = {}
        self.living: Sequence[WorkerName] = ()
        self.merged = Merged()
        self._refreshing = threading.Lock()

    def refresh(self) -> None:
        """Take in what the workers have counted by now."""
        with self._refreshing, shared(self._folder.lock):
            merged, included = read_departed(self._folder)
            files = {stem: path for stem, path in self._folder.workers().items() if stem not in included}
            for stem in self._readers.keys() - files.keys():
                self._readers.pop(stem).close()
            living = []
            for stem, path in files.items():
                reader = self._readers.get(stem)
                if reader is None:
                    reader = self._readers[stem] = WorkerReader(path, self._folder.keys_of(stem))
                is_alive = reader.is_alive
                if is_alive:
                    living.append(WorkerName.of(path))
                merged.add(reader.series(), with_gauges=is_alive)
        self.merged = merged
        self.living = living

    def processes(self) -> list[tuple[int, int]]:
        """Return number and process id of every living worker, by number."""
        return sorted((worker.number, worker.pid) for worker in self.living)
