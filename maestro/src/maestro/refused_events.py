"""Events that the platform's server will never take, set aside in a file: they must neither get lost nor hold up the others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from maestro_core_logging import get_logger

_logger = get_logger(__name__)


class RefusedEvents:
    """A file with one JSON object a line: `{"refused_at", "code", "reason", "event"}`.

    Args:
        file: Where; made for the owner's eyes only when the first event comes.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    async def add(self, event: Mapping[str, Any], *, code: str, reason: str) -> None:
        """Keep an event; it is on the disk when this returns.

        Args:
            event: The event.
            code: Stable name of what is wrong with it.
            reason: The same for a person.

        Raises:
            OSError: It could not be written.
        """
        line = {"refused_at": datetime.now(UTC).isoformat(), "code": code, "reason": reason, "event": event}
        await asyncio.to_thread(_append, self._file, msgspec.json.encode(line) + b"\n")
        _logger.error(
            "An event of a run cannot go to the platform and was set aside",
            event_id=event.get("id"),
            event_type=event.get("type"),
            code=code,
            reason=reason,
            file=str(self._file),
        )


def _append(file: Path, line: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as kept:
        kept.write(line)
        kept.flush()
        os.fsync(kept.fileno())
