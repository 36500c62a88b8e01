"""Slots in a file that the other workers read: an increment is there for them at once, and stays when this worker is killed."""

import mmap
import os
import threading
import time
import weakref
from typing import Final

from maestro_core_logging import get_logger
from maestro_core_monitoring._errors import MonitoringError
from maestro_core_monitoring._metrics._declaration import MetricDeclaration
from maestro_core_monitoring._metrics._slots import Placed

from ._departed import fold_departed
from ._folder import VALUES, Folder, WorkerName
from ._keys import gone_line, metric_line, place_line
from ._lock import exclusive
from ._reader import locked_exclusively

_PAGE_NUMBERS: Final = 8_192
_PAGE_BYTES: Final = _PAGE_NUMBERS * 8
_REWRITE_AFTER: Final = 1_000
_logger = get_logger(__name__)


class WorkerSlots:
    """The slots of this worker.

    Args:
        folder: Where the workers of the service keep their numbers.
    """

    def __init__(self, folder: Folder) -> None:
        self.lock = threading.RLock()
        self.folder = folder
        self._metrics: dict[str, MetricDeclaration] = {}
        self._placed: dict[int, tuple[Placed, MetricDeclaration, tuple[str, ...]]] = {}
        self._open()
        if hasattr(os, "register_at_fork"):
            again = weakref.WeakMethod(self._forked)
            os.register_at_fork(after_in_child=lambda: (method := again()) and method())

    @property
    def name(self) -> WorkerName:
        """Of this worker."""
        return self._name

    def declare(self, metric: MetricDeclaration) -> None:
        """See `Slots.declare`."""
        with self.lock:
            self._metrics[metric.name] = metric
            self._write(metric_line(metric))

    def place(self, series: Placed, metric: MetricDeclaration, labels: tuple[str, ...]) -> None:
        """See `Slots.place`."""
        with self.lock:
            free = self._free.get(metric.size)
            series.values, at = free.pop() if free else self._next(metric.size)
            series.at = at % _PAGE_NUMBERS
            for offset in range(metric.size):
                series.values[series.at + offset] = 0.0
            if at >= 0:
                self._placed[at] = (series, metric, labels)
                self._places[series] = at
                self._write(place_line(at, metric.name, labels))

    def release(self, series: Placed, metric: MetricDeclaration) -> None:
        """See `Slots.release`."""
        with self.lock:
            at = self._places.pop(series, None)
            values, series.values, series.at = series.values, [0.0] * metric.size, 0
            if at is None:
                return
            del self._placed[at]
            self._free.setdefault(metric.size, []).append((values, at))  # type: ignore[arg-type]  # placed ones are views
            self._write(gone_line(at))
            self._gone += 1
            if self._gone > _REWRITE_AFTER + 4 * len(self._placed):
                self._rewrite()

    def _open(self) -> None:
        self._places: dict[Placed, int] = {}
        self._free: dict[int, list[tuple[memoryview[float], int]]] = {}
        self._pages: list[memoryview[float]] = []
        self._used = 0
        self._gone = 0
        self._told_full = False
        folder = self.folder.made()
        with exclusive(folder.lock):
            fold_departed(folder)
            number = folder.free_number()
            stem = f"{number}-{os.getpid()}-{time.time_ns()}"
            self._name = WorkerName(number, os.getpid(), stem)
            self._keys = os.open(folder.keys_of(stem), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._values = os.open(
                folder.path / f"{stem}{VALUES}", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
            locked_exclusively(self._values)

    def _next(self, size: int) -> "tuple[memoryview[float], int]":
        room = _PAGE_NUMBERS - self._used % _PAGE_NUMBERS
        if room < size:
            self._used += room
        page = self._used // _PAGE_NUMBERS
        try:
            while len(self._pages) <= page:
                self._pages.append(self._new_page(len(self._pages)))
        except OSError as error:
            return self._elsewhere(size, error)
        at = self._used
        self._used += size
        return self._pages[page], at

    def _new_page(self, page: int) -> "memoryview[float]":
        # Space is taken now: writing to memory behind which there turns out to be no disk would kill the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._values, page * _PAGE_BYTES, _PAGE_BYTES)
        else:
            os.ftruncate(self._values, (page + 1) * _PAGE_BYTES)
        return memoryview(mmap.mmap(self._values, _PAGE_BYTES, offset=page * _PAGE_BYTES)).cast("d")

    def _elsewhere(self, size: int, error: OSError) -> "tuple[memoryview[float], int]":
        if not self._told_full:
            self._told_full = True
            _logger.error(
                "New series of this worker are not shown: its file cannot grow",
                folder=str(self.folder.path),
                reason=error.strerror,
            )
        return memoryview(bytearray(8 * max(size, 1))).cast("d"), -_PAGE_NUMBERS

    def _write(self, line: bytes) -> None:
        try:
            end = os.fstat(self._keys).st_size
            if os.write(self._keys, line) < len(line):
                os.ftruncate(self._keys, end)  # half a line would make the next one unreadable
        except OSError as error:
            self._elsewhere(0, error)

    def _rewrite(self) -> None:
        path = self.folder.keys_of(self._name.stem)
        draft = path.with_suffix(".draft")
        lines = [metric_line(metric) for metric in self._metrics.values()]
        lines += [place_line(at, metric.name, labels) for at, (_, metric, labels) in self._placed.items()]
        draft.write_bytes(b"".join(lines))
        keys = os.open(draft, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        draft.replace(path)
        os.close(self._keys)
        self._keys, self._gone = keys, 0

    def _forked(self) -> None:
        """Begin anew in a child that was forked: its parent goes on counting in the file of both."""
        self.lock._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001 - as threading itself does it
        # Its own descriptors of the parent's files are closed, or the parent would seem to live as long as the child.
        os.close(self._values)
        os.close(self._keys)
        placed = list(self._placed.values())
        self._placed = {}
        try:
            self._open()
        except (MonitoringError, OSError) as error:
            _logger.error(
                "The metrics of a forked process are not shown", reason=str(error), folder=str(self.folder.path)
            )
            self._keys = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            self._values = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for metric in self._metrics.values():
            self._write(metric_line(metric))
        for series, metric, labels in placed:
            # What the parent has counted, and its part of a sum, is in its own file; what else its gauges say holds here, too.
            before = [series.values[series.at + offset] for offset in range(metric.size)]
            self.place(series, metric, labels)
            if metric.kind == "gauge" and metric.across != "sum":
                for offset, value in enumerate(before):
                    series.values[series.at + offset] = value
