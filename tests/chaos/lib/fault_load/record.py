"""The outside record: what happened, written by those to whom it happened, in a file that is only appended to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Line:
    """One thing that happened."""

    what: str
    run: str
    facts: dict[str, Any] = field(default_factory=dict)


class Record:
    """A file of JSON lines. A line is written with one call; a kill in the middle of it leaves a torn line, which counts as none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")  # what follows a torn line is not to be lost with it

    def write(self, what: str, run: str, **facts: Any) -> None:
        """Note that something happened."""
        os.write(self._file, f"{json.dumps({'what': what, 'run': run, **facts})}\n".encode())


def read_lines(path: Path, after_bytes: int = 0) -> list[Line]:
    """Return what a record holds behind a place in it."""
    return list(_lines(path.read_bytes()[after_bytes:])) if path.exists() else []


def _lines(data: bytes) -> Iterator[Line]:
    for raw in data.splitlines():
        try:
            facts = json.loads(raw)
        except ValueError:  # torn by a kill, or still being written
            continue
        yield Line(facts.pop("what"), facts.pop("run"), facts)
