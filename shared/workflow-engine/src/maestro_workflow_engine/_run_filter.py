"""Which runs are meant: the filter of listings, counts and operations on many runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from maestro_workflow_engine._attributes import AttributeValue, check_name, stored
from maestro_workflow_engine._conditions import AttributeCondition, one_of
from maestro_workflow_engine._records import RunStatus

Wanted = AttributeValue | AttributeCondition


class RunOrder(StrEnum):
    """In which order runs are listed: that in which this journal took them in."""

    NEWEST = "newest"
    """The newest first."""

    OLDEST = "oldest"
    """The oldest first."""


class RunCriteria(TypedDict, total=False):
    """The fields of `RunFilter`, as keywords."""

    status: RunStatus | str | Collection[RunStatus | str] | None
    workflow: str | None
    version: str | None
    parent: str | None
    attributes: Mapping[str, Wanted]
    created_after: datetime | None
    created_before: datetime | None
    finished_after: datetime | None
    finished_before: datetime | None
    id_prefix: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs are meant: those that meet every criterion that is given.

    Raises:
        ValueError: A criterion is none: an unknown status, a time without a zone.
        SearchAttributeError: The name or value of an attribute is none.
    """

    status: RunStatus | str | Collection[RunStatus | str] | None = None
    """Where they stand: one or several."""

    workflow: str | None = None
    """The workflow's name."""

    version: str | None = None
    """The workflow's version."""

    parent: str | None = None
    """The id of the run that they are children of."""

    attributes: Mapping[str, Wanted] = field(default_factory=dict)
    """Search attributes: a value, or a condition made by `between`, `one_of` or `prefix`. A keyword is found in a list of
    them; 1 and 1.0 are the same number, 1 and True are not the same value."""

    created_after: datetime | None = None
    """Started at this time or later."""

    created_before: datetime | None = None
    """Started before this time."""

    finished_after: datetime | None = None
    """Ended at this time or later."""

    finished_before: datetime | None = None
    """Ended before this time."""

    id_prefix: str | None = None
    """What their ids begin with."""

    def __post_init__(self) -> None:
        """Refuse what is no criterion."""
        if self.status is not None and not self.statuses:
            raise ValueError("status names none: leave it out for runs of every status")
        for name in ("created_after", "created_before", "finished_after", "finished_before"):
            moment = getattr(self, name)
            if moment is not None and (not isinstance(moment, datetime) or moment.utcoffset() is None):
                raise ValueError(f"{name} must be a datetime with a time zone, not {moment!r}")
        for name in ("workflow", "version", "parent", "id_prefix"):
            text = getattr(self, name)
            if text is not None and (not isinstance(text, str) or not text):
                raise ValueError(f"{name} must be a text that is not empty, not {text!r}")
        for name, wanted in self.attributes.items():
            check_name(name)
            if isinstance(wanted, (list, tuple)):
                one_of(wanted)  # it refuses a list and says what to do
            if not isinstance(wanted, AttributeCondition):
                stored(name, wanted)

    @property
    def statuses(self) -> tuple[RunStatus, ...]:
        """The statuses, in one order and each once; empty for every status.

        Raises:
            ValueError: One is none.
        """
        if self.status is None:
            return ()
        found = [self.status] if isinstance(self.status, str) else self.status
        return tuple(sorted({RunStatus(status) for status in found}))
