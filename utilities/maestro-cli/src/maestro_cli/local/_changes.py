"""What happened to the services between two looks at an environment."""

from dataclasses import dataclass

from ._service import describe_exit
from ._state import EnvironmentState, ServicePhase, ServiceState


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a person who watches wants to know."""

    service: str
    text: str
    """What happened, as the rest of a sentence that begins with the service's name."""
    bad: bool = False
    """Whether it is trouble."""


def changes(before: EnvironmentState | None, after: EnvironmentState) -> list[Change]:
    """Compare two states.

    Args:
        before: The earlier one; None when there was none.
        after: The later one.

    Returns:
        What happened, in the order of the services.
    """
    found = []
    for service in after.services:
        earlier = None if before is None else before.service(service.name)
        change = _change(earlier, service)
        if change is not None:
            found.append(change)
    return found


def _change(before: ServiceState | None, after: ServiceState) -> Change | None:
    if before is not None and (before.phase, before.pid) == (after.phase, after.pid):
        return None
    name = after.name
    match after.phase:
        case ServicePhase.STARTING:
            return Change(name, f"starts (process {after.pid})")
        case ServicePhase.READY:
            return Change(name, f"is ready at {after.url}")
        case ServicePhase.BACKING_OFF:
            ended = (
                "could not be started" if after.last_exit is None else f"ended with {describe_exit(after.last_exit)}"
            )
            return Change(name, f"{ended}; next start in {after.retry_in_s or 0:g} s", bad=True)
        case ServicePhase.FAILED:
            return Change(name, "did not start", bad=True)
        case ServicePhase.STOPPED if after.last_exit is not None:
            return Change(name, f"stopped ({describe_exit(after.last_exit)})")
        case _:
            return None
