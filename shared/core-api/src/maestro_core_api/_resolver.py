"""From `service://name/path` to the addresses of live instances."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

SCHEME: Final = "service"
InstanceLookup = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the base addresses of a service's live instances; raises when there is none."""


@dataclass(slots=True)
class _Known:
    urls: tuple[str, ...]
    expires_at: float
    turn: int = 0


class ServiceResolver:
    """Keeps the live instances of services for a short time.

    Args:
        look_up: Asks the registry.
        keep_for: How long an answer is used.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        look_up: InstanceLookup,
        *,
        keep_for: timedelta = timedelta(seconds=2),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._keep_for_s = keep_for.total_seconds()
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def resolve(self, url: str) -> tuple[str, ...]:
        """Return the addresses to try, in order.

        Args:
            url: `service://<name>/<path>?<query>`.

        Returns:
            One absolute URL per live instance; each call begins with the next one, so that load spreads.

        Raises:
            APIException: There is no live instance, or the registry cannot be asked.
        """
        parts = urlsplit(url)
        service = parts.netloc
        known = self._known.get(service)
        if known is None or known.expires_at <= self._clock():
            turn = 0 if known is None else known.turn
            known = _Known(tuple(await self._look_up(service)), self._clock() + self._keep_for_s, turn)
            self._known[service] = known
        first = known.turn % len(known.urls)
        known.turn += 1
        tail = parts.path + (f"?{parts.query}" if parts.query else "")
        return tuple(base.rstrip("/") + tail for base in known.urls[first:] + known.urls[:first])

    def forget(self, url: str) -> None:
        """Ask the registry again next time, because an instance did not answer.

        Args:
            url: The URL that was resolved.
        """
        self._known.pop(urlsplit(url).netloc, None)
