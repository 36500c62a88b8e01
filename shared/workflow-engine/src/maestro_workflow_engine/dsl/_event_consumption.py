"""Event consumption strategies: `one`, `any`, `all` and `until` (DSL 1.0.3, "Event Consumption Strategy").

What an event means is decided here, by pure functions of the events so far; who waits for them stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from maestro_workflow_engine._event_filter import EventFilter, Filters
from maestro_workflow_engine.dsl._event_filters import FilterDefinition, Variables, parse_filter
from maestro_workflow_engine.dsl._expressions import Expression, parse_expression
from maestro_workflow_engine.dsl._node import Node

KINDS = ("one", "any", "all")


@dataclass(frozen=True)
class Strategy:
    """Which events are wanted, and how many of them."""

    kind: str
    """"one", "any" or "all"."""
    filters: tuple[FilterDefinition, ...]
    until: Expression | Strategy | None = None
    """When to stop, of "any"; None after the first event."""

    @property
    def correlates(self) -> bool:
        """Whether one of its filters correlates events."""
        return any(each.correlate for each in self.filters)


def parse_strategy(node: Node, scope: frozenset[str], *, nested: bool = False) -> Strategy:
    """Read an event consumption strategy.

    Args:
        node: The strategy.
        scope: The variables its expressions may use.
        nested: Whether it stands in an `until`, where there is no other one.

    Returns:
        The strategy; one that wants nothing after a fault.
    """
    fields = node.fields((*KINDS, "until"), what="an event consumption strategy")
    kinds = [kind for kind in KINDS if kind in fields]
    nothing = Strategy("all", ())
    if not isinstance(node.value, dict):
        return nothing
    if len(kinds) != 1:
        node.fault(f"must hold exactly one of {', '.join(KINDS)}")
        return nothing
    kind, wanted = kinds[0], fields[kinds[0]]
    filters = (parse_filter(wanted, scope),) if kind == "one" else tuple(parse_filter(i, scope) for i in wanted.items())
    return Strategy(kind, filters, _parse_until(fields.get("until"), kind, scope, nested=nested))


def _parse_until(node: Node | None, kind: str, scope: frozenset[str], *, nested: bool) -> Expression | Strategy | None:
    if node is None:
        return None
    if nested:
        node.fault("an 'until' has no 'until' of its own")
    elif kind != "any":
        node.fault(f"'until' goes together with 'any', not with {kind!r}")
    elif isinstance(node.value, dict):
        return parse_strategy(node, scope, nested=True)
    else:
        return parse_expression(node, scope)
    return None


class Consumption:
    """The events of one strategy, as they come.

    Attributes:
        is_complete: Whether there is nothing more to wait for.
    """

    def __init__(self, strategy: Strategy, filters: Filters, known: dict[str, Any]) -> None:
        self._kind = strategy.kind
        self._filters = filters
        self._known = known
        self._open = set(range(len(filters))) if strategy.kind == "all" else set()
        self._is_endless = strategy.until is not None
        self.is_complete = strategy.kind == "all" and not filters

    @property
    def wanted(self) -> Filters:
        """What to listen for now: with the values of correlations that are known."""
        open_ = [each for index, each in enumerate(self._filters) if self._kind != "all" or index in self._open]
        return tuple(self._correlated(each) for each in open_) or (
            (EventFilter(),) if self._kind == "any" and not self._filters else ()
        )

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take in an event.

        Returns:
            Whether it is one of those that are waited for; another one changes nothing.
        """
        if self.is_complete:
            return False
        if self._kind == "any" and not self._filters:
            self.is_complete = not self._is_endless
            return True
        for index, each in enumerate(self._filters):
            if (self._kind != "all" or index in self._open) and self._correlated(each).matches(event):
                self._open.discard(index)
                self.is_complete = not self._open and not self._is_endless
                self._learn(each, event)
                return True
        return False

    def _correlated(self, wanted: EventFilter) -> EventFilter:
        known = {
            name: msgspec.structs.replace(each, expect=self._known[name])
            for name, each in wanted.correlate.items()
            if each.expect is msgspec.UNSET and name in self._known
        }
        return msgspec.structs.replace(wanted, correlate={**wanted.correlate, **known}) if known else wanted

    def _learn(self, wanted: EventFilter, event: Mapping[str, Any]) -> None:
        for name, each in wanted.correlate.items():
            self._known.setdefault(name, each.value(event))


class Intake:
    """A strategy together with the one that ends it.

    Attributes:
        known: The values of correlations, as the events had them.
    """

    def __init__(self, strategy: Strategy, variables: Variables, evaluate: Callable[[Expression], Any]) -> None:
        self.known: dict[str, Any] = {}
        self._main = self._consumption(strategy, variables, evaluate)
        self._until = strategy.until
        self._stop = (
            self._consumption(strategy.until, variables, evaluate) if isinstance(strategy.until, Strategy) else None
        )

    @property
    def wanted(self) -> Filters:
        """What to listen for now."""
        return (*self._main.wanted, *(self._stop.wanted if self._stop else ()))

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing more to wait for, as far as events alone can tell."""
        return self._main.is_complete or (self._stop is not None and self._stop.is_complete)

    @property
    def until(self) -> Expression | None:
        """The condition that is asked after each event; None when there is none."""
        return self._until if isinstance(self._until, Expression) else None

    def take(self, event: Mapping[str, Any]) -> bool:
        """Take in an event; one that the `until` strategy waits for is consumed by it alone.

        Returns:
            Whether it belongs to what is consumed.
        """
        if self._stop is not None and self._stop.take(event):
            return False
        return self._main.take(event)

    def _consumption(
        self, strategy: Strategy, variables: Variables, evaluate: Callable[[Expression], Any]
    ) -> Consumption:
        filters = tuple(each.resolve(variables, evaluate) for each in strategy.filters)
        return Consumption(strategy, filters, self.known)
