"""How many retries a client may add to what a service gets anyway."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_WINDOW_S: Final = 10


@dataclass(slots=True)
class _Second:
    at: int
    calls: int = 0
    retries: int = 0


class RetryBudget:
    """Retries that calls pay for, so that they cannot multiply an outage.

    In any ten seconds there are at most `floor` retries and `share` for each call. When everything fails, a service gets
    `1 + share` times its usual load instead of `1 + retries` times (Google, "Site Reliability Engineering", chapter 21;
    the sliding window is Finagle's).

    Args:
        share: Retries that one call pays for.
        floor: Retries that are always there.
        clock: Monotonic seconds.
    """

    def __init__(self, *, share: float, floor: int, clock: Callable[[], float]) -> None:
        self._share = share
        self._floor = floor
        self._clock = clock
        self._seconds: deque[_Second] = deque()

    def pay_in(self) -> None:
        """Note a call, not counting its retries."""
        self._now().calls += 1

    def take(self) -> bool:
        """Take one retry.

        Returns:
            Whether there was one.
        """
        now = self._now()
        calls = sum(second.calls for second in self._seconds)
        retries = sum(second.retries for second in self._seconds)
        # 0.2 * 5 is 1.0 in binary too, but 0.1 * 30 is 3.0000000000000004: whole retries are what counts.
        if retries + 1 > self._floor + self._share * calls + 1e-9:
            return False
        now.retries += 1
        return True

    def _now(self) -> _Second:
        at = int(self._clock())
        while self._seconds and self._seconds[0].at <= at - _WINDOW_S:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1].at != at:
            self._seconds.append(_Second(at))
        return self._seconds[-1]
