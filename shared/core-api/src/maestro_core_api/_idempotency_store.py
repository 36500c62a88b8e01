"""Where answers to requests with idempotency keys are kept: what a store does, and the one in this process."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from ._idempotency import Begun, Record, judge
from ._rate_limit_store import StoreUnavailableError


class IdempotencyStore(Protocol):
    """Keeps answers. Each call is one step that nothing comes in between; any raises `StoreUnavailableError`."""

    async def begin(self, key: str, fingerprint: str, owner: str) -> Begun:
        """Take a request in hand, or say why not.

        Args:
            key: Key of caller, route and request.
            fingerprint: Hash of the request.
            owner: Who wants to answer it; nobody else has this name.

        Returns:
            What to do.
        """
        ...

    async def renew(self, key: str, owner: str) -> bool:
        """Give a sign of life. False when the request is no longer the owner's."""
        ...

    async def finish(self, key: str, owner: str, answer: bytes | None) -> bool:
        """Keep the answer; None for one that is too large. False when the request is no longer the owner's."""
        ...

    async def give_up(self, key: str, owner: str) -> None:
        """Let go of a request without an answer."""
        ...


class MemoryIdempotencyStore:
    """Answers in this process; a restart forgets them.

    Args:
        keep: How long a record is kept.
        lease: How long an owner counts as alive after its last sign.
        run_again: Whether an attempt that did not end is repeated.
        max_records: How many are kept; beyond it the oldest answer is forgotten.
        max_bytes: How much memory the answers may take.
        clock_ms: Milliseconds that only grow.
    """

    def __init__(
        self,
        *,
        keep: timedelta,
        lease: timedelta,
        run_again: bool,
        max_records: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        clock_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._keep_ms = keep // timedelta(milliseconds=1)
        self._lease_ms = lease // timedelta(milliseconds=1)
        self._run_again = run_again
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._clock_ms = clock_ms
        self._records: dict[str, tuple[int, Record]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    async def begin(self, key: str, fingerprint: str, owner: str) -> Begun:
        """Take a request in hand, or say why not."""
        now = self._clock_ms()
        self._drop_expired(now)
        record = self._records[key][1] if key in self._records else None
        if record is None:
            if len(self._records) >= self._max_records and not self._drop_oldest_answer():
                raise StoreUnavailableError("every record belongs to a request that is being answered")
            self._records[key] = (now + self._keep_ms, Record(fingerprint, owner, now + self._lease_ms))
            return Begun("run")
        verdict = judge(record, fingerprint, owner, now, run_again=self._run_again)
        if verdict == "run" and record.owner != owner:
            record.owner, record.lease_until_ms, record.attempt = owner, now + self._lease_ms, record.attempt + 1
        return Begun(verdict, record.attempt, record.answer if verdict == "answered" else None)

    async def renew(self, key: str, owner: str) -> bool:
        """Give a sign of life."""
        record = self._own(key, owner)
        if record is not None:
            record.lease_until_ms = self._clock_ms() + self._lease_ms
        return record is not None

    async def finish(self, key: str, owner: str, answer: bytes | None) -> bool:
        """Keep the answer."""
        record = self._own(key, owner)
        if record is None:
            return False
        record.finished, record.answer = True, answer
        self._bytes += len(answer or b"")
        while self._bytes > self._max_bytes and self._drop_oldest_answer():
            pass
        return True

    async def give_up(self, key: str, owner: str) -> None:
        """Let go of a request without an answer."""
        record = self._own(key, owner)
        if record is not None:
            record.lease_until_ms, record.owner = 0, ""

    def _own(self, key: str, owner: str) -> Record | None:
        record = self._records[key][1] if key in self._records else None
        return record if record is not None and record.owner == owner and not record.finished else None

    def _drop_expired(self, now: int) -> None:
        # All are kept for the same time, so the oldest stand in front.
        while self._records:
            oldest = next(iter(self._records))
            if self._records[oldest][0] > now:
                return
            self._drop(oldest)

    def _drop_oldest_answer(self) -> bool:
        oldest = next((key for key, (_, record) in self._records.items() if record.finished), None)
        if oldest is not None:
            self._drop(oldest)
        return oldest is not None

    def _drop(self, key: str) -> None:
        self._bytes -= len(self._records.pop(key)[1].answer or b"")
