"""How long a call may take as a whole, and how services learn of it."""

import asyncio
import time
from datetime import timedelta
from typing import Final, Self

from maestro_core_api._request_info import RequestInfo

HEADER: Final = "x-request-timeout-ms"
"""How many milliseconds the caller will still wait. A duration, so that clocks need not agree."""

_MOST_DIGITS: Final = 10


class Deadline:
    """The moment at which nobody waits for an answer any more.

    Args:
        left_s: Seconds until then.
        is_handed_on: Whether it is the moment of the request being served, which comes before the client's own.
    """

    def __init__(self, left_s: float, *, is_handed_on: bool = False) -> None:
        self.is_handed_on = is_handed_on
        self.at = asyncio.get_running_loop().time() + left_s

    @classmethod
    def of_call(cls, total: timedelta, served: RequestInfo | None) -> Self:
        """Work out when a call has to be over.

        Args:
            total: The client's own limit.
            served: The request being served, whose caller may have said how long it waits.

        Returns:
            The earlier one of the two.
        """
        total_s = total.total_seconds()
        left_s = None if served is None else _left_s(served)
        if left_s is not None and left_s < total_s:
            return cls(left_s, is_handed_on=True)
        return cls(total_s)

    @property
    def left_s(self) -> float:
        """Seconds that are left; negative when it has passed."""
        return self.at - asyncio.get_running_loop().time()


def _left_s(served: RequestInfo) -> float | None:
    if served.is_over:
        return None  # a task that outlives the request does not work for its caller any more
    sent = (served.head or {}).get(HEADER.encode(), b"")
    if not sent.isdigit() or len(sent) > _MOST_DIGITS:
        return None
    return int(sent) / 1000 - (time.perf_counter() - served.started_at)
