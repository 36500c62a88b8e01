"""Who listens for what, found by an event's type and by the values that its correlations and attributes must have.

An event costs what its own type costs: for each place that filters of that type name (a correlation, an attribute) one
evaluation and one look-up, however many runs listen there; and one match for each filter that names no such place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from maestro_workflow_engine._event_filter import EventFilter, decode_filters, key_value

_Place = tuple[int, str, int]
"""Run, name, and which of the filters."""


class _Bucket:
    """The filters of one type."""

    __slots__ = ("keyed", "plain")

    def __init__(self) -> None:
        self.plain: dict[_Place, EventFilter] = {}
        self.keyed: dict[str, dict[str, dict[_Place, EventFilter]]] = {}

    def put(self, place: _Place, wanted: EventFilter) -> None:
        key = next(wanted.keys(), None)
        if key is None:
            self.plain[place] = wanted
        else:
            self.keyed.setdefault(key[0], {}).setdefault(key[1], {})[place] = wanted

    def drop(self, place: _Place, wanted: EventFilter) -> None:
        key = next(wanted.keys(), None)
        if key is None:
            self.plain.pop(place, None)
            return
        values = self.keyed[key[0]]
        values[key[1]].pop(place, None)
        if not values[key[1]]:
            del values[key[1]]
        if not values:
            del self.keyed[key[0]]

    def candidates(self, event: Mapping[str, Any]) -> Iterator[tuple[_Place, EventFilter]]:
        yield from self.plain.items()
        for where, values in self.keyed.items():
            found = key_value(where, event)
            if found is not None:
                yield from values.get(found, {}).items()


class Subscriptions:
    """Every subscription of a journal, in memory."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[str, bytes]] = {}
        self._by_type: dict[str | None, _Bucket] = {}

    def put(self, run: int, name: str, filters: bytes) -> bool:
        """Add a subscription, or change it.

        Returns:
            Whether anything is different now.
        """
        known = self._kept.get(run, {}).get(name)
        if known == filters:
            return False
        if known is not None:
            self.drop(run, name)
        self._kept.setdefault(run, {})[name] = filters
        for index, wanted in enumerate(decode_filters(filters)):
            self._by_type.setdefault(wanted.event_type, _Bucket()).put((run, name, index), wanted)
        return True

    def drop(self, run: int, name: str) -> bool:
        """Remove a subscription.

        Returns:
            Whether there was one.
        """
        names = self._kept.get(run, {})
        filters = names.pop(name, None)
        if filters is None:
            return False
        if not names:
            del self._kept[run]
        for index, wanted in enumerate(decode_filters(filters)):
            bucket = self._by_type[wanted.event_type]
            bucket.drop((run, name, index), wanted)
            if not bucket.plain and not bucket.keyed:
                del self._by_type[wanted.event_type]
        return True

    def names(self, run: int) -> list[str]:
        """Return under which names a run listens."""
        return list(self._kept.get(run, ()))

    def matching(self, event: Mapping[str, Any]) -> list[int]:
        """Return the keys of the runs that an event is for, each once, the oldest run first."""
        found: set[int] = set()
        for kind in (event["type"], None):
            bucket = self._by_type.get(kind)
            if bucket is not None:
                found.update(place[0] for place, wanted in bucket.candidates(event) if wanted.matches(event))
        return sorted(found)


def readable(filters: bytes) -> bool:
    """Tell whether kept filters can be read by this release."""
    try:
        decode_filters(filters)
    except (msgspec.MsgspecError, ValueError):
        return False
    return True
