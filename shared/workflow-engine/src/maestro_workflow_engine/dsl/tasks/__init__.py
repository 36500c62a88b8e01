"""The kinds of tasks, one module each: the fields it reads, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from maestro_workflow_engine.dsl._model import Body, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl.tasks import (
    call,
    do,
    emit,
    for_,
    fork,
    listen,
    raise_,
    run,
    set_,
    switch,
    try_,
    wait,
)


class Kind(Protocol):
    """What each of these modules offers."""

    @property
    def FIELDS(self) -> tuple[str, ...]:  # noqa: N802  the modules define it as a constant
        """The fields of this kind, beside those that all tasks have."""

    @property
    def REQUIRED(self) -> tuple[str, ...]:  # noqa: N802  as above
        """Those of its fields that must be there."""

    def parse(self, fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Body:
        """Read the fields.

        Args:
            fields: The fields that are there.
            parser: What reads lists of tasks and directives.
            scope: The variables that enclosing tasks bind.

        Returns:
            What runs the task.
        """


KINDS: Mapping[str, Kind] = {
    "call": call,
    "emit": emit,
    "for": for_,
    "fork": fork,
    "listen": listen,
    "raise": raise_,
    "run": run,
    "set": set_,
    "switch": switch,
    "try": try_,
    "wait": wait,
    "do": do,
}
"""The field that makes a task one of a kind."""
