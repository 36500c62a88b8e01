"""Whose turn it is to hold a singleton key. Decisions only."""

from __future__ import annotations

from collections import OrderedDict

Ref = tuple[str, str]
"""A workflow's name and a key."""


class Singletons:
    """The open runs of every key, first come, first served; the first holds the key."""

    def __init__(self) -> None:
        self._lines: dict[Ref, OrderedDict[int, None]] = {}

    def claim(self, ref: Ref, run: int) -> bool:
        """Take a run into the line of a key.

        Returns:
            Whether it holds the key.
        """
        line = self._lines.setdefault(ref, OrderedDict())
        line[run] = None
        return next(iter(line)) == run

    def holds(self, ref: Ref, run: int) -> bool:
        """Tell whether a run holds a key."""
        return self.holder(ref) == run

    def holder(self, ref: Ref) -> int | None:
        """Return the run that holds a key."""
        line = self._lines.get(ref)
        return next(iter(line)) if line else None

    def open(self, ref: Ref) -> list[int]:
        """Return every run of a key."""
        return list(self._lines.get(ref, ()))

    def release(self, ref: Ref, run: int) -> int | None:
        """Take a run out of the line of a key.

        Returns:
            The run that holds the key from now on; None when that has not changed.
        """
        line = self._lines.get(ref)
        if line is None or run not in line:
            return None
        held = next(iter(line)) == run
        del line[run]
        if not line:
            del self._lines[ref]
            return None
        return next(iter(line)) if held else None
