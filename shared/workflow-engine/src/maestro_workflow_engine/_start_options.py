"""How a run is to be started: in which queue, when, and what happens when there is one already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from maestro_workflow_engine._attributes import AttributeValue, checked
from maestro_workflow_engine._errors import WorkflowConflictError, WorkflowError

LAST_PRIORITY = 9
_LONGEST_KEY = 200


class StartOptionsError(WorkflowError, ValueError):
    """Start options that make no sense, or not together."""

    code: ClassVar[str] = "START_OPTIONS_INVALID"


class RunExistsError(WorkflowConflictError):
    """There is such a run already, and the start options say that this is an error.

    Attributes:
        run_id: The run there is.
        status: Where it stands.
    """

    code = "RUN_EXISTS"

    def __init__(self, run_id: str, status: str, message: str) -> None:
        super().__init__(run_id, message)
        self.status = status


class Conflict(StrEnum):
    """What a start does when a run of its id has not ended."""

    USE_EXISTING = "use_existing"
    """It returns that run, whatever its input was; nothing is started."""

    FAIL = "fail"
    """It raises RunExistsError."""

    CANCEL_EXISTING = "cancel_existing"
    """It asks that run to stop, waits until it has ended, and starts anew."""

    TERMINATE_EXISTING = "terminate_existing"
    """It ends that run at once and starts anew."""


class Reuse(StrEnum):
    """What a start does when a run of its id has ended. One that gives up its id stays readable: as `<id>~1`, then `<id>~2`."""

    USE_EXISTING = "use_existing"
    """It returns that run, whatever its input was; nothing is started."""

    FAIL = "fail"
    """It raises RunExistsError."""

    START_ANEW = "start_anew"
    """It starts anew."""

    START_ANEW_IF_FAILED = "start_anew_if_failed"
    """It starts anew unless that run completed; a completed one is returned."""


class SingletonPolicy(StrEnum):
    """What a start does when an open run has its singleton key."""

    USE_EXISTING = "use_existing"
    """It returns that run, whatever its input was; nothing is started."""

    FAIL = "fail"
    """It raises RunExistsError."""

    CANCEL_EXISTING = "cancel_existing"
    """It asks every open run of the key to stop; the new run begins once they have ended."""

    WAIT = "wait"
    """The new run waits until those before it have ended: one at a time, first come, first served."""


@dataclass(frozen=True, slots=True)
class Singleton:
    """At most one run of a workflow and key at work at a time.

    Raises:
        StartOptionsError: The key is empty or too long.
    """

    key: str
    """What may be there once, for each workflow; up to 200 characters."""

    policy: SingletonPolicy = SingletonPolicy.USE_EXISTING
    """What happens when it is there. Default: the run that is there is returned."""

    def __post_init__(self) -> None:
        _check_key("singleton key", self.key)


@dataclass(frozen=True, slots=True)
class Debounce:
    """Starts that follow one another become one run, with the last input.

    Raises:
        StartOptionsError: The key is empty or too long, or a time makes no sense.
    """

    key: str
    """What is debounced, for each workflow; up to 200 characters."""

    wait: timedelta
    """The run begins once there was no further start for this long."""

    max_wait: timedelta | None = None
    """It begins this long after the first start at the latest. Default: no limit."""

    def __post_init__(self) -> None:
        _check_key("debounce key", self.key)
        if self.wait <= timedelta(0):
            raise StartOptionsError("debounce: wait must be longer than zero")
        if self.max_wait is not None and self.max_wait < self.wait:
            raise StartOptionsError("debounce: max_wait must not be shorter than wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """How `engine.start` starts a run.

    Raises:
        StartOptionsError: Options make no sense, or not together.
        SearchAttributeError: The name or value of an attribute is none, or there are more than 64.
    """

    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    """The run's search attributes at first. Default: none."""

    queue: str | None = None
    """The queue it waits in, which the engine declares. Default: none."""

    priority: int = 5
    """Its place in the queue, 0 (most urgent) to 9. Default: 5."""

    tenant: str | None = None
    """For whom it runs; tenants of a queue take turns. Up to 200 characters. Default: nobody in particular."""

    delay: timedelta | None = None
    """How long it waits before it begins, or takes its place in the queue. Default: not at all."""

    start_at: datetime | None = None
    """When it begins, or takes its place in the queue; with a time zone. Default: at once."""

    debounce: Debounce | None = None
    """Makes starts that follow one another one run. Not together with an id, a delay or a singleton. Default: they are several."""

    singleton: Singleton | None = None
    """Allows one run of a key at a time. Default: any number."""

    if_running: Conflict = Conflict.USE_EXISTING
    """What happens when a run of the id has not ended. Default: it is returned."""

    if_ended: Reuse = Reuse.USE_EXISTING
    """What happens when a run of the id has ended. Default: it is returned."""

    def __post_init__(self) -> None:
        checked(self.attributes)
        check_priority(self.priority)
        if self.tenant is not None:
            _check_key("tenant", self.tenant)
        if (self.tenant is not None or self.priority != 5) and self.queue is None:
            raise StartOptionsError("priority and tenant say where in a queue a run stands: name the queue as well")
        if self.delay is not None and self.start_at is not None:
            raise StartOptionsError("delay and start_at both say when the run begins: give one of them")
        if self.delay is not None and self.delay < timedelta(0):
            raise StartOptionsError("delay must not be negative")
        if self.start_at is not None and self.start_at.tzinfo is None:
            raise StartOptionsError("start_at needs a time zone")
        if self.debounce is not None and not (self.delay is None and self.start_at is None and self.singleton is None):
            raise StartOptionsError(
                "debounce says when the run begins and that there is one of it: it goes without delay, start_at and singleton"
            )

    @property
    def is_held_back(self) -> bool:
        """Whether the run may have to wait before it begins."""
        return not (
            self.queue is None
            and self.delay is None
            and self.start_at is None
            and self.debounce is None
            and self.singleton is None
        )


def check_priority(priority: int) -> None:
    """Refuse what is no priority.

    Raises:
        StartOptionsError: It does not lie between 0 and 9.
    """
    if not 0 <= priority <= LAST_PRIORITY:
        raise StartOptionsError(f"priority {priority} does not lie between 0 (most urgent) and {LAST_PRIORITY}")


def _check_key(what: str, key: str) -> None:
    if not 0 < len(key) <= _LONGEST_KEY:
        raise StartOptionsError(f"a {what} has 1 to {_LONGEST_KEY} characters")
