"""Who listens for what. A run listens under one name, with all that it wants; what is said last counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from maestro_workflow_engine.temporal.events._wire import NOBODY, Listens

REMEMBERED_US = 120_000_000
"""How long it is known of a run that it listens no more: what it said before may come late."""

_OVERHEAD = 48  # of a listener, as it is kept


class Listener(msgspec.Struct, array_like=True):
    """A run that listens; one without filters has said that it does no more."""

    id: str
    version: int
    filters: msgspec.Raw


class Listeners:
    """The runs that listen. Who of them an event is for is found elsewhere: it takes longer than a workflow may.

    Args:
        kept: What `kept` gave before.

    Attributes:
        runs: Those that listen now, by id.
        changed: Those of which the index does not know yet what they listen for, or that they do no more; in order.
        size_bytes: About how large `kept` is.
    """

    def __init__(self, kept: Iterable[Listener] = ()) -> None:
        self.runs: dict[str, Listener] = {}
        self.changed: dict[str, None] = {}
        self.size_bytes = 0
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._to_check: list[str] = []
        for run in kept:
            if bytes(run.filters) == NOBODY:
                self._gone[run.id] = run.version
            else:
                self._put(run)

    def __len__(self) -> int:
        return len(self.runs)

    def growth(self, said: Listens) -> int:
        """Return by how many bytes `size_bytes` would grow."""
        known = self.runs.get(said.run)
        before = 0 if known is None else _size(known)
        after = 0 if bytes(said.filters) == NOBODY else _size(Listener(said.run, said.version, said.filters))
        return after - before

    def put(self, said: Listens, now_us: int) -> None:
        """Take note of what a run listens for; what it said before it said something else changes nothing."""
        self._tidy(now_us)
        known = self.runs.get(said.run)
        last = known.version if known is not None else self._gone.get(said.run, 0)
        if said.version <= last:
            return
        if bytes(said.filters) == NOBODY:
            self._drop(said.run)
            self._gone[said.run] = said.version
            self._gone.move_to_end(said.run)
        else:
            self._gone.pop(said.run, None)
            self._put(Listener(said.run, said.version, said.filters))

    def ended(self, run_id: str, version: int) -> None:
        """Forget a run that has ended, unless another one of its id has begun to listen since."""
        known = self.runs.get(run_id)
        if known is not None and known.version <= version:
            self._drop(run_id)

    def to_check(self, count: int) -> dict[str, int]:
        """Return some runs, others each time, with their versions: they may have ended without a word."""
        if not self._to_check:
            self._to_check = list(reversed(self.runs))
        chosen = [self._to_check.pop() for _ in range(min(count, len(self._to_check)))]
        return {run_id: self.runs[run_id].version for run_id in chosen if run_id in self.runs}

    def kept(self) -> list[Listener]:
        """Return what is to be kept: whom nobody has checked for long comes first."""
        checked = self.runs.keys() - set(self._to_check) if self._to_check else set[str]()
        runs = sorted(self.runs.values(), key=lambda run: run.id in checked)
        return [*runs, *(Listener(run_id, version, msgspec.Raw(NOBODY)) for run_id, version in self._gone.items())]

    def _put(self, run: Listener) -> None:
        self._drop(run.id)
        self.runs[run.id] = run
        self.size_bytes += _size(run)

    def _drop(self, run_id: str) -> None:
        self.changed[run_id] = None
        known = self.runs.pop(run_id, None)
        if known is not None:
            self.size_bytes -= _size(known)

    def _tidy(self, now_us: int) -> None:
        while self._gone and next(iter(self._gone.values())) < now_us - REMEMBERED_US:
            self._gone.popitem(last=False)


def _size(run: Listener) -> int:
    return _OVERHEAD + len(run.id) + len(bytes(run.filters))
