"""Who listens for what. A run listens under one name, with all that it wants; what is said last counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from maestro_workflow_engine.embedded._subscriptions import Subscriptions, readable
from maestro_workflow_engine.temporal.events._wire import NOBODY, Listens

REMEMBERED_US = 120_000_000
"""How long it is known of a run that it listens no more: what it said before may come late."""

_NAME = ""
_OVERHEAD = 48  # of a listener, as it is kept


class _Run(msgspec.Struct, array_like=True):
    id: str
    version: int
    filters: msgspec.Raw


class Listeners:
    """The runs that listen.

    Args:
        kept: What `kept` gave before.

    Attributes:
        size_bytes: About how large `kept` is.
    """

    def __init__(self, kept: Iterable[_Run] = ()) -> None:
        self._subscriptions = Subscriptions()
        self._keys: dict[str, int] = {}
        self._runs: dict[int, _Run] = {}
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._last = 0
        self._to_check: list[str] = []
        self.size_bytes = 0
        for run in kept:
            if bytes(run.filters) == NOBODY:
                self._gone[run.id] = run.version
            else:
                self._put(run)

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._keys

    def growth(self, said: Listens) -> int:
        """Return by how many bytes `size_bytes` would grow."""
        known = self._keys.get(said.run)
        before = 0 if known is None else _size(self._runs[known])
        after = 0 if bytes(said.filters) == NOBODY else _size(_Run(said.run, said.version, said.filters))
        return after - before

    def put(self, said: Listens, now_us: int) -> None:
        """Take note of what a run listens for; what it said before it said something else changes nothing."""
        self._tidy(now_us)
        key = self._keys.get(said.run)
        last = self._runs[key].version if key is not None else self._gone.get(said.run, 0)
        if said.version <= last:
            return
        if bytes(said.filters) == NOBODY or not readable(bytes(said.filters)):
            self._drop(said.run)
            self._gone[said.run] = said.version
            self._gone.move_to_end(said.run)
        else:
            self._gone.pop(said.run, None)
            self._put(_Run(said.run, said.version, said.filters))

    def ended(self, run_id: str, version: int) -> None:
        """Forget a run that has ended, unless another one of its id has begun to listen since."""
        key = self._keys.get(run_id)
        if key is not None and self._runs[key].version <= version:
            self._drop(run_id)

    def version(self, run_id: str) -> int:
        """Return the version of what a run listens for."""
        return self._runs[self._keys[run_id]].version

    def concerns(self, event: Mapping[str, Any]) -> bool:
        """Tell whether one of the filters may match: it costs one look-up."""
        return self._subscriptions.concerns(event)

    def matching(self, event: Mapping[str, Any]) -> list[str]:
        """Return the runs that an event is for, each once, who listened first comes first."""
        return [self._runs[key].id for key in self._subscriptions.matching(event)]

    def to_check(self, count: int) -> dict[str, int]:
        """Return some runs, others each time, with their versions: they may have ended without a word."""
        if not self._to_check:
            self._to_check = [run.id for run in reversed(self._runs.values())]
        chosen = [self._to_check.pop() for _ in range(min(count, len(self._to_check)))]
        return {run_id: self.version(run_id) for run_id in chosen if run_id in self}

    def kept(self) -> list[_Run]:
        """Return what is to be kept: whom nobody has checked for long comes first."""
        checked = set(self._keys) - set(self._to_check) if self._to_check else set[str]()
        runs = sorted(self._runs.values(), key=lambda run: run.id in checked)
        return [*runs, *(_Run(run_id, version, msgspec.Raw(NOBODY)) for run_id, version in self._gone.items())]

    def _put(self, run: _Run) -> None:
        key = self._keys.get(run.id)
        if key is None:
            self._last += 1
            key = self._keys[run.id] = self._last
        else:
            self.size_bytes -= _size(self._runs[key])
        self._runs[key] = run
        self.size_bytes += _size(run)
        self._subscriptions.put(key, _NAME, bytes(run.filters))

    def _drop(self, run_id: str) -> None:
        key = self._keys.pop(run_id, None)
        if key is not None:
            self.size_bytes -= _size(self._runs.pop(key))
            self._subscriptions.drop(key, _NAME)

    def _tidy(self, now_us: int) -> None:
        while self._gone and next(iter(self._gone.values())) < now_us - REMEMBERED_US:
            self._gone.popitem(last=False)


def _size(run: _Run) -> int:
    return _OVERHEAD + len(run.id) + len(bytes(run.filters))
