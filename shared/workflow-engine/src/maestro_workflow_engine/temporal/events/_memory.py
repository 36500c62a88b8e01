"""Which events have come: an event that is sent again is the same event."""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

REMEMBERED_S: Final = 7 * 24 * 3_600
"""How long an event is known to have come, in seconds, as long as fewer than MOST have come since."""

MOST: Final = 20_000
"""How many events are remembered."""

_ENTRY = struct.Struct(">I12s")


class EventMemory:
    """The events of the last days, by source and id.

    Args:
        kept: What `kept` gave before.
    """

    def __init__(self, kept: bytes = b"") -> None:
        self._seen: OrderedDict[bytes, int] = OrderedDict((name, at) for at, name in _ENTRY.iter_unpack(kept))

    def __len__(self) -> int:
        return len(self._seen)

    def note(self, event: Mapping[str, Any], now_s: int) -> bool:
        """Take note of an event.

        Args:
            event: The event.
            now_s: The time, in seconds since the epoch.

        Returns:
            Whether it is new.
        """
        while self._seen and next(iter(self._seen.values())) < now_s - REMEMBERED_S:
            self._seen.popitem(last=False)
        name = _name(event)
        if name in self._seen:
            return False
        if len(self._seen) >= MOST:
            self._seen.popitem(last=False)
        self._seen[name] = now_s
        return True

    def kept(self) -> bytes:
        """Return what is to be kept: 16 bytes for each event."""
        return b"".join(_ENTRY.pack(at, name) for name, at in self._seen.items())


def _name(event: Mapping[str, Any]) -> bytes:
    source: str = event["source"]
    return hashlib.blake2b(f"{len(source)} {source} {event['id']}".encode(), digest_size=12).digest()
