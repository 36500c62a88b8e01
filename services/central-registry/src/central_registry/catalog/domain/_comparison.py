"""Declared dependencies beside those that traces show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from ._entries import Dependency
from ._observations import ObservedCalls


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a service says it calls, and what it was seen calling."""

    service: str
    """Name of the service."""
    since: datetime
    """What was seen from this moment on counts."""
    is_traced: bool
    """Whether the service was seen at all, calling or called; when it was not, nothing is said about what it does not use."""
    declared: tuple[Dependency, ...]
    """What it says."""
    observed: tuple[ObservedCalls, ...]
    """What was seen, by the callee's name."""
    undeclared: tuple[str, ...]
    """Services that it was seen calling and does not name."""
    unused: tuple[str, ...]
    """Services that it names and was not seen calling."""
    unknown: tuple[str, ...]
    """Services that it names and that are neither running nor in the catalog."""

    @property
    def agrees(self) -> bool:
        """Whether everything that was seen is declared, and everything declared exists."""
        return not self.undeclared and not self.unknown


def compare(
    service: str,
    declared: Sequence[Dependency],
    seen: Collection[ObservedCalls],
    *,
    known: Collection[str],
    implicit: Collection[str],
    since: datetime,
) -> Comparison:
    """Compare what is declared with what was seen.

    Args:
        service: Name of the service.
        declared: What it says.
        seen: Calls that it made or got.
        known: Services that run or are in the catalog.
        implicit: Services that every service calls without saying so.
        since: From when on calls count.

    Returns:
        The comparison, every list in the order of names.
    """
    names = {dependency.service for dependency in declared}
    observed = sorted(
        (calls for calls in seen if calls.caller == service and calls.callee != service), key=lambda each: each.callee
    )
    called = {calls.callee for calls in observed}
    return Comparison(
        service=service,
        since=since,
        is_traced=bool(seen),
        declared=tuple(sorted(declared, key=lambda each: each.service)),
        observed=tuple(observed),
        undeclared=tuple(sorted(called - names - set(implicit))),
        unused=tuple(sorted(names - called)) if seen else (),
        unknown=tuple(sorted(name for name in names if name not in known)),
    )
