"""Ids for runs that were given none: 128 random bits from the system, drawn many at a time because a system call is dear."""

from __future__ import annotations

import os

_BYTES = 16
_AT_ONCE = 256


class RunIds:
    """Draws ids. A process that forks with an engine open has lost the engine, so nobody draws the same ones again."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def new(self) -> str:
        """Return an id: 32 hexadecimal digits."""
        if not self._left:
            drawn = os.urandom(_BYTES * _AT_ONCE).hex()
            self._left = [drawn[at : at + 2 * _BYTES] for at in range(0, len(drawn), 2 * _BYTES)]
        return self._left.pop()
