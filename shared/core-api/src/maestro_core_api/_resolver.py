"""From `service://name/path` to the addresses of live instances."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from maestro_core_logging import get_logger

from ._exceptions import APIException
from ._rotation import Rotation

SCHEME: Final = "service"


class LiveInstance(NamedTuple):
    """An instance as the registry shows it."""

    url: str
    """Its base address."""
    weight: int = 1
    """Share of the calls, relative to the others' weights."""
    priority: int = 0
    """Those of the lowest number get the calls; the others are asked when none of them can be reached."""


InstanceLookup = Callable[[str], Awaitable[Sequence[LiveInstance]]]
"""Gives a service's live instances; raises when there is none."""


_NO_SUCH: Final = "NO_LIVE_INSTANCE"


@dataclass(slots=True)
class _Known:
    instances: tuple[LiveInstance, ...]
    expires_at: float
    looked_up_at: float
    rotation: Rotation


class ServiceResolver:
    """Keeps the live instances of services for a short time.

    While the registry cannot be asked, what it said last is used on: an outage of the registry is not one of every service.

    Args:
        look_up: Asks the registry.
        keep_for: How long an answer is used.
        avoid_for: How long an instance that failed comes after all others.
        outlive: How old an answer may get while the registry is away.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        look_up: InstanceLookup,
        *,
        keep_for: timedelta = timedelta(seconds=2),
        avoid_for: timedelta = timedelta(seconds=5),
        outlive: timedelta = timedelta(minutes=5),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._keep_for_s = keep_for.total_seconds()
        self._avoid_for_s = avoid_for.total_seconds()
        self._outlive_s = outlive.total_seconds()
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._avoided: dict[str, float] = {}
        self._looking_up: dict[str, asyncio.Lock] = {}
        self._logger = get_logger(__name__)

    async def resolve(self, url: str) -> tuple[str, ...]:
        """Return the addresses to try, in order.

        Args:
            url: `service://<name>/<path>?<query>`.

        Returns:
            One absolute URL per live instance. Each call begins with the instance whose turn it is by weight; those that the
            registry puts first (same zone) come before the others, and those that failed a short time ago come last.

        Raises:
            APIException: There is no live instance, or the registry cannot be asked.
        """
        parts = urlsplit(url)
        known = self._fresh(parts.netloc) or await self._looked_up(parts.netloc)
        tail = parts.path + (f"?{parts.query}" if parts.query else "")
        ordered = self._ordered(known)
        return tuple(instance.url.rstrip("/") + tail for instance in ordered)

    def avoid(self, url: str, base: str) -> None:
        """Ask an instance that failed only after all others for a while, and the registry again next time.

        Args:
            url: The URL that was resolved.
            base: Scheme, host and port of the instance.
        """
        now = self._clock()
        self._avoided = {instance: until for instance, until in self._avoided.items() if until > now}
        self._avoided[base] = now + self._avoid_for_s
        self.forget(url)

    def forget(self, url: str) -> None:
        """Ask the registry again next time.

        Args:
            url: The URL that was resolved.
        """
        known = self._known.get(urlsplit(url).netloc)
        if known is not None:
            known.expires_at = self._clock()

    def _ordered(self, known: _Known) -> list[LiveInstance]:
        ranks = {instance.url: (self._is_avoided(instance.url), instance.priority) for instance in known.instances}
        best = min(ranks.values())
        first = known.rotation.take({each.url: each.weight for each in known.instances if ranks[each.url] == best})
        at = next(place for place, each in enumerate(known.instances) if each.url == first)
        turned = known.instances[at:] + known.instances[:at]
        return sorted(turned, key=lambda each: ranks[each.url])

    def _fresh(self, service: str) -> _Known | None:
        known = self._known.get(service)
        return known if known is not None and known.expires_at > self._clock() else None

    async def _looked_up(self, service: str) -> _Known:
        # Calls that find the answer too old at the same time ask the registry once.
        async with self._looking_up.setdefault(service, asyncio.Lock()):
            if (fresh := self._fresh(service)) is not None:
                return fresh
            before = self._known.get(service)
            try:
                instances = tuple(await self._look_up(service))
            except APIException as error:
                if before is None or not self._may_outlive(before, error):
                    self._known.pop(service, None)
                    raise
                before.expires_at = self._clock() + self._keep_for_s
                self._logger.warning(
                    "The registry cannot be asked; using what it said last", service_name=service, error=str(error)
                )
                return before
            now = self._clock()
            rotation = Rotation() if before is None else before.rotation
            known = _Known(instances, now + self._keep_for_s, now, rotation)
            self._known[service] = known
            return known

    def _may_outlive(self, known: _Known, error: APIException) -> bool:
        is_away = error.status_code >= 500 and error.error_code != _NO_SUCH
        return is_away and self._clock() - known.looked_up_at < self._outlive_s

    def _is_avoided(self, base: str) -> bool:
        return self._avoided.get(_origin(base), 0.0) > self._clock()


def _origin(base: str) -> str:
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}"
