"""Rows found page by page, without the tree that leads to them: a cut-off file has leaves whose branches are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.rescue._record import (
    INDEX_INTERIOR,
    INDEX_LEAF,
    TABLE_LEAF,
    RecordError,
    Value,
    cells,
    payload,
    values,
)

_RUN_COLUMNS = ("id", "workflow", "version", "status", "created_us", "finished_us", "parent_key")
_STATES = frozenset(RunStatus)
_MAX_PAYLOAD = 1 << 30
_CONTINUED = b'{"type":"run_continued"'
_Place = tuple[int, int, int]  # page, where the payload begins in it, its size


class ScatteredRows:
    """Every row of `runs` and `history` that stands on some page, by key. Events are read only when they are asked for.

    Args:
        copy: The journal's copy, its write-ahead log moved into it.
    """

    def __init__(self, copy: Path) -> None:
        self._file = copy.open("rb")
        self._file.seek(16)
        self._page_size = int.from_bytes(self._file.read(2), "big") or 4096
        self._page_size = 65536 if self._page_size == 1 else self._page_size
        self._file.seek(20)
        self._usable = self._page_size - self._file.read(1)[0]
        self.runs: dict[int, dict[str, Any]] = {}
        self.ids: dict[int, str] = {}
        self._events: dict[int, dict[int, _Place]] = {}
        for number in range(1, copy.stat().st_size // self._page_size + 1):
            self._collect(number)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def keys(self) -> set[int]:
        """Return the key of every run of which anything was found."""
        return self.runs.keys() | self._events.keys()

    def events(self, key: int) -> list[tuple[int, bytes]]:
        """Return (position, event) of a run, in order; only those of its last pass."""
        found: list[tuple[int, bytes]] = []
        for position, (number, at, size) in sorted(self._events.get(key, {}).items()):
            try:
                event = values(self._payload(number, self._read(number), at, size))[2]
            except RecordError:
                continue
            assert isinstance(event, bytes)
            if event.startswith(_CONTINUED):
                found.clear()  # what stood before was deleted, and has left its traces
            found.append((position, event))
        return found

    def _collect(self, number: int) -> None:
        page = self._read(number)
        start = 100 if number == 1 else 0
        kind = page[start]
        for row_id, size, at in cells(page, start=start):
            if size > _MAX_PAYLOAD:
                continue
            try:
                row = values(self._payload(number, page, at, size))
            except (RecordError, IndexError):
                continue
            if kind == TABLE_LEAF:
                self._take_run(row_id, row)
            elif kind in (INDEX_LEAF, INDEX_INTERIOR):
                self._take_entry(row, (number, at, size))

    def _take_run(self, key: int, row: list[Value]) -> None:
        if len(row) <= len(_RUN_COLUMNS) or row[0] is not None or row[4] not in _STATES:
            return
        found = dict(zip(_RUN_COLUMNS, row[1:], strict=False))
        known = self.runs.get(key)
        if (
            known is None or known["finished_us"] is None
        ):  # of two versions of a row, the one that has ended is the later
            self.runs[key] = found

    def _take_entry(self, row: list[Value], place: _Place) -> None:
        match row:
            case [int(run), int(position), bytes(event)] if event.startswith(b"{"):
                self._events.setdefault(run, {})[position] = place
            case [str(run_id), int(key)] if run_id not in _STATES:
                self.ids.setdefault(key, run_id)
            case _:
                pass

    def _payload(self, number: int, page: bytes, at: int, size: int) -> bytes:
        return payload(page, at, size, self._usable, start=100 if number == 1 else 0, read=self._read)

    def _read(self, number: int) -> bytes:
        if number < 1:
            raise RecordError
        self._file.seek((number - 1) * self._page_size)
        page = self._file.read(self._page_size)
        if len(page) < self._page_size:
            raise RecordError
        return page
