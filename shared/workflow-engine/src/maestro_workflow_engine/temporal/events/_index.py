"""Finding the runs that an event is for. Made and used by a local activity of the hub only, on one thread at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.embedded._subscriptions import Subscriptions, readable
from maestro_workflow_engine.temporal.events._listeners import Listeners

_NAME = ""


class Index:
    """The filters of all that listen, by type and value.

    Args:
        listeners: Those that listen; they do not change while this is asked.
    """

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self._subscriptions = Subscriptions()
        self._keys: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._last = 0

    def matching(self, event: Mapping[str, Any]) -> list[str]:
        """Return the runs that an event is for, each once, who listened first comes first."""
        self._catch_up()
        return [self._ids[key] for key in self._subscriptions.matching(event)]

    def _catch_up(self) -> None:
        for run_id in list(self._listeners.changed):
            run = self._listeners.runs.get(run_id)
            # Filters that this release cannot read keep nobody else from an event.
            if run is None or not readable(bytes(run.filters)):
                key = self._keys.pop(run_id, None)
                if key is not None:
                    self._subscriptions.drop(key, _NAME)
                    del self._ids[key]
            else:
                key = self._keys.get(run_id)
                if key is None:
                    self._last += 1
                    key = self._keys[run_id] = self._last
                    self._ids[key] = run_id
                self._subscriptions.put(key, _NAME, bytes(run.filters))
            del self._listeners.changed[run_id]
