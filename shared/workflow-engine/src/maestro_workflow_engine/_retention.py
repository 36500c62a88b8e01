"""How long runs are kept once they have ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long runs stay after they have ended. None is for ever, and open runs always stay."""

    completed: timedelta | None = None
    """Runs that returned. Default: for ever."""

    failed: timedelta | None = None
    """Runs that raised; once gone, or without their history, they cannot be retried. Default: for ever."""

    cancelled: timedelta | None = None
    """Runs that were cancelled. Default: for ever."""

    terminated: timedelta | None = None
    """Runs that were ended from outside. Default: for ever."""

    history: timedelta | None = None
    """What happened between a run's first and last event, if it is to go earlier than the run. Default: it is not."""

    payloads: timedelta = _ONE_DAY
    """How long a stored payload stays after nothing refers to it any more; as old as a backup may be. Default: 1 day."""

    workflows: Mapping[str, Retention] = field(default_factory=dict)
    """Rules of their own for runs of some workflows, by name; such a rule stands in place of the above as a whole."""

    def __post_init__(self) -> None:
        """Refuse rules that cannot be meant.

        Raises:
            ValueError: A duration is negative, or a workflow's rule has `workflows` or `payloads` itself.
        """
        for name in ("completed", "failed", "cancelled", "terminated", "history", "payloads"):
            duration = getattr(self, name)
            if duration is not None and duration < timedelta(0):
                raise ValueError(f"the retention of {name} cannot be negative: {duration}")
        for name, rule in self.workflows.items():
            if rule.workflows or rule.payloads != _ONE_DAY:
                raise ValueError(f"the rule for workflow {name!r} says `workflows` or `payloads`; these are for all")

    def of(self, workflow: str) -> Retention:
        """Return the rule that counts for a workflow's runs."""
        return self.workflows.get(workflow, self)

    def durations(self) -> list[timedelta]:
        """Return every age at which something may fall due, shortest first."""
        rules = (self, *self.workflows.values())
        ages = {
            age
            for rule in rules
            for age in (rule.completed, rule.failed, rule.cancelled, rule.terminated, rule.history)
        }
        return sorted(age for age in ages if age is not None)


class PurgeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a purge deleted, or would.

    Attributes:
        runs: Runs that are gone as a whole.
        shortened: Runs of which only the history between the first and the last event went.
        events: The events that went.
        event_bytes: What these events took. The file gives back about as much, in whole pages and a little later.
        held_back: Runs that were due and stay for now: a child still runs, a parent may be retried, or somebody follows them.
    """

    runs: int = 0
    shortened: int = 0
    events: int = 0
    event_bytes: int = 0
    held_back: int = 0
