"""What traces show: who called whom, and how often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from central_registry.domain import SERVICE_NAME, Fault

MOST_AT_ONCE: Final = 1_000
_MOST_CALLS: Final = 10**12
_CLOCKS_APART: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Observation:
    """Calls from one service to another that were seen in traces."""

    caller: str
    """Name of the service that called."""
    callee: str
    """Name of the service that was called."""
    calls: int
    """How many calls."""
    errors: int
    """How many of them failed."""
    first_seen: datetime
    """When the first one was seen."""
    last_seen: datetime
    """When the last one was seen; the calls count for that day."""


@dataclass(frozen=True, slots=True)
class DayOfCalls:
    """The calls from one service to another on one day (UTC)."""

    caller: str
    callee: str
    day: date
    calls: int
    errors: int


@dataclass(frozen=True, slots=True)
class ObservedCalls:
    """The calls from one service to another over some time."""

    caller: str
    callee: str
    calls: int
    errors: int
    first_seen: datetime
    last_seen: datetime


def observation_faults(observations: Sequence[Observation], now: datetime, kept: timedelta) -> Iterator[Fault]:
    """Find what is wrong with observations.

    Args:
        observations: What was seen.
        now: The present.
        kept: How far back observations are kept.

    Yields:
        Each fault, by the field's name on the wire.
    """
    if len(observations) > MOST_AT_ONCE:
        yield Fault("observations", f"has {len(observations)} entries; at most {MOST_AT_ONCE} are taken at once")
        return
    for place, seen in enumerate(observations):
        for field, name in (("caller", seen.caller), ("callee", seen.callee)):
            if not SERVICE_NAME.fullmatch(name):
                yield Fault(f"observations.{place}.{field}", "must be the name of a service (a DNS label)")
        if not 1 <= seen.calls <= _MOST_CALLS:
            yield Fault(f"observations.{place}.calls", f"must be from 1 to {_MOST_CALLS}")
        if not 0 <= seen.errors <= max(seen.calls, 0):
            yield Fault(f"observations.{place}.errors", "must be from 0 to the number of calls")
        if not now - kept <= seen.last_seen <= now + _CLOCKS_APART:
            yield Fault(f"observations.{place}.last_seen", f"must be within the last {kept.days} days")
        if seen.first_seen > seen.last_seen:
            yield Fault(f"observations.{place}.first_seen", "must not be after last_seen")
