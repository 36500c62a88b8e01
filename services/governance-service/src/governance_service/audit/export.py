"""The trail as lines of JSON, to be verified by somebody who has neither the database nor the service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from governance_service.clock import Clock

from .anchors import AnchorFolder
from .domain import GENESIS, Checkpoint, canonical, microseconds
from .storage import ChainStore

FORMAT: Final = "maestro-audit/1"
_EVERY: Final = 1_000
"""One checkpoint for so many entries is enough: each vouches for all entries before it."""


class TrailExport:
    """Writes the trail.

    Args:
        store: The chain.
        anchors: What was signed for.
        jwks: The public keys that may have signed.
        clock: Gives the present.
    """

    def __init__(
        self, store: ChainStore, anchors: AnchorFolder, jwks: Callable[[], dict[str, Any]], *, clock: Clock
    ) -> None:
        self._store = store
        self._anchors = anchors
        self._jwks = jwks
        self._clock = clock

    async def lines(self) -> AsyncIterator[bytes]:
        """Write a header, the checkpoints that matter, and every entry.

        The last checkpoint is for the last entry, so that a file that was cut off is noticed.

        Yields:
            Lines, with their ends.

        Raises:
            NoCheckpointError: A checkpoint cannot be read; verification names it.
            DatabaseError: The chain cannot be read.
        """
        head = await self._store.head()
        now_us = microseconds(self._clock())
        await asyncio.to_thread(
            self._anchors.extend, log_id=head.log_id, position=head.position, entry_hash=head.hash, time_us=now_us
        )
        checkpoints = _chosen(await asyncio.to_thread(self._anchors.read), head.position)
        yield _line(
            {
                "type": "header",
                "format": FORMAT,
                "log_id": head.log_id,
                "keys": self._jwks()["keys"],
                "after": {"position": 0, "hash": GENESIS},
                "exported_us": now_us,
                "head": head.position,
            }
        )
        for checkpoint in checkpoints:
            yield b'{"type":"checkpoint",' + checkpoint.line().encode()[1:] + b"\n"
        async for entry in self._store.chain(through=head.position):
            yield _line({"type": "entry", **entry.content(), "hash": entry.hash})


def _chosen(checkpoints: list[Checkpoint], head: int) -> list[Checkpoint]:
    # Beyond the head are the checkpoints of what was appended meanwhile, unless the chain was cut off: then they tell of it.
    chosen: list[Checkpoint] = []
    for one, later in zip(checkpoints, [*checkpoints[1:], None], strict=True):
        is_last = later is None or one.position <= head < later.position
        if is_last or not chosen or one.position >= chosen[-1].position + _EVERY:
            chosen.append(one)
    return chosen


def _line(value: dict[str, Any]) -> bytes:
    return canonical(value).encode() + b"\n"
