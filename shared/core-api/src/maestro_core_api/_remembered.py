"""Callers that were recognised a moment ago."""

import time
from collections.abc import Callable
from typing import Final

from ._principal import Principal

_MOST: Final = 1_024


class RememberedCallers:
    """What was presented, and who it was, for a while.

    Checking a signature costs more than the rest of the framework. What was good once stays good until its time is over, so
    that afterwards only that is looked at. A look-up by hash tells a guesser nothing: Python's hashes are keyed at random.
    """

    def __init__(self) -> None:
        self._callers: dict[bytes, tuple[Principal, float]] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def get(self, credential: bytes) -> Principal | None:
        """Return the caller who presented this before.

        Args:
            credential: What was presented.

        Returns:
            The caller; None when it is new or its time is over.
        """
        known = self._callers.get(credential)
        return known[0] if known is not None and known[1] > time.time() else None

    def put(self, credential: bytes, caller: Principal, until: float) -> None:
        """Remember a caller; the oldest one is forgotten when there are too many.

        Args:
            credential: What was presented.
            caller: Who it was.
            until: How long, in seconds since 1970.
        """
        if until <= time.time():
            return
        if len(self._callers) >= _MOST:
            self._callers.pop(next(iter(self._callers)))
        self._callers[credential] = (caller, until)

    def forget(self, whom: Callable[[Principal], bool]) -> None:
        """Forget callers.

        Args:
            whom: Tells which.
        """
        for credential in [key for key, (caller, _) in self._callers.items() if whom(caller)]:
            del self._callers[credential]
