"""`schedule`: when a document starts by itself (DSL 1.0.3, "Schedule")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, ScheduleSpecError
from maestro_workflow_engine.dsl._durations import parse_duration
from maestro_workflow_engine.dsl._event_consumption import Strategy, parse_strategy
from maestro_workflow_engine.dsl._event_reading import READS
from maestro_workflow_engine.dsl._node import Node

NO_VARIABLES: frozenset[str] = frozenset()
"""There is no run yet whose input or context an expression could use."""


@dataclass(frozen=True)
class Schedule:
    """When runs start. What is None does not start any."""

    every: IntervalSpec | None = None
    """At even distances, counted from the Unix epoch."""
    cron: CronSpec | None = None
    """By a cron expression, in UTC."""
    after: timedelta | None = None
    """This long after the run before has ended, in whatever way; the first one at once."""
    on: Strategy | None = None
    """When events have come; they are the input."""
    read: str = "data"
    """How these events are read."""


def parse_schedule(node: Node) -> Schedule:
    """Read `schedule`.

    Args:
        node: The field.

    Returns:
        The schedule.
    """
    fields = node.fields(("every", "cron", "after", "on", "read"), what="'schedule'")
    if "read" in fields and "on" not in fields:
        fields["read"].fault("says how events are read, but there is no 'on'")
    return Schedule(
        every=_every(fields["every"]) if "every" in fields else None,
        cron=_cron(fields["cron"]) if "cron" in fields else None,
        after=_fixed(fields["after"]) if "after" in fields else None,
        on=parse_strategy(fields["on"], NO_VARIABLES) if "on" in fields else None,
        read=(fields["read"].choice(READS) or "data") if "read" in fields else "data",
    )


def _fixed(node: Node) -> timedelta:
    before = len(node.log.faults)
    duration = parse_duration(node, NO_VARIABLES)
    if isinstance(duration, timedelta):
        return duration
    if len(node.log.faults) == before:
        node.fault("must be a fixed duration: there is no run yet that an expression could look at")
    return timedelta(0)


def _every(node: Node) -> IntervalSpec | None:
    before = len(node.log.faults)
    duration = _fixed(node)
    if len(node.log.faults) > before:
        return None
    try:
        return IntervalSpec(duration)
    except ScheduleSpecError as error:
        node.fault(str(error))
        return None


def _cron(node: Node) -> CronSpec | None:
    text = node.text()
    try:
        return CronSpec(text) if text else None
    except ScheduleSpecError as error:
        node.fault(str(error))
        return None
