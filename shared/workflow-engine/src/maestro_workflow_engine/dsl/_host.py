"""What a run takes from whatever hosts it: an identity, a clock and chance, all the same on replay."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from maestro_workflow_engine import _inside


class Host(Protocol):
    """The surroundings of a run."""

    @property
    def run_id(self) -> str:
        """The run's id."""

    def now(self) -> datetime:
        """Return the current time, UTC."""

    def random(self) -> float:
        """Return a number from 0 up to 1."""


class EngineHost:
    """The engine, inside a running workflow."""

    @property
    def run_id(self) -> str:
        """The run's id."""
        return _inside.info().run_id

    def now(self) -> datetime:
        """Return the workflow's time."""
        return _inside.now()

    def random(self) -> float:
        """Return a number that is the same in every replay."""
        return _inside.random().random()
