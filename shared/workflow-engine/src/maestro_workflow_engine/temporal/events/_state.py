"""What the hub knows, and what each message does to it: no clock, no cluster."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from maestro_workflow_engine._event_origin import with_origin
from maestro_workflow_engine.temporal.events._index import Index
from maestro_workflow_engine.temporal.events._listeners import Listener, Listeners
from maestro_workflow_engine.temporal.events._memory import EventMemory
from maestro_workflow_engine.temporal.events._wire import Answer, Errand, Heard, Listens, Published

LISTENERS_BYTES: Final = 1_000_000
"""How much may be kept of those who listen, squeezed, without a payload store."""

LISTENERS_BYTES_STORED: Final = 4_000_000
"""The same with one."""

OUTBOX_BYTES: Final = 250_000
"""How much may wait for the sink, without a payload store. Whoever publishes more waits for it."""

OUTBOX_BYTES_STORED: Final = 16_000_000
"""The same with one."""

_ERRAND_BYTES = 500_000
_ERRAND_SIGNALS = 1_000
_FORWARDED = 50
_BATCHES = 200
_WORTH_MEASURING = 50_000
_MATCHES_AT_ONCE = 30_000
_MOST_SIGNALS = 20_000


class _Kept(msgspec.Struct, omit_defaults=True):
    runs: list[Listener] = []
    seen: bytes = b""
    last: int = 0
    outbox: list[msgspec.Raw] = []
    answers: list[tuple[str, tuple[Answer, ...]]] = []
    measured: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Arrival:
    """An event that has just come, and is new."""

    raw: msgspec.Raw
    event: dict[str, Any]


@dataclass(slots=True)
class _Delivery:
    heard: Heard
    runs: deque[tuple[str, int]]
    """Whom it is still to reach, with the version of what they listen for."""


class HubState:
    """What the hub knows.

    Args:
        kept: What `kept` gave at the end of the pass before; empty for the first pass.
        now_us: The time, in µs since the epoch.
    """

    def __init__(self, kept: bytes, now_us: int) -> None:
        found = msgspec.json.decode(kept, type=_Kept) if kept else _Kept()
        self.listeners = Listeners(found.runs)
        self.index = Index(self.listeners)
        self._memory = EventMemory(found.seen)
        # Numbers go on even where the hub begins from nothing: runs that heard the one before it know its numbers.
        self._last = found.last or now_us
        self._answers = OrderedDict(found.answers)
        self._backlog: deque[_Delivery] = deque()
        self._signals = 0
        self.outbox: deque[msgspec.Raw] = deque(found.outbox)
        self._outbox_bytes = sum(len(bytes(event)) for event in found.outbox)
        self._measured = found.measured
        self._has_store = False

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    def answered(self, batch_id: str) -> tuple[Answer, ...] | None:
        """Return what a batch was answered before; None for one that has not come."""
        return self._answers.get(batch_id)

    def answer(self, batch_id: str, answers: tuple[Answer, ...]) -> None:
        """Remember the answers to a batch: whoever asks again has not heard them."""
        self._answers[batch_id] = answers
        while len(self._answers) > _BATCHES:
            self._answers.popitem(last=False)

    def equip(self, *, has_store: bool) -> None:
        """Take note of whether payloads of any size can be kept."""
        self._has_store = has_store

    def listen(self, said: Listens, now_us: int) -> Answer:
        """Take note of what a run listens for, unless there is no room for it."""
        growth = self.listeners.growth(said)
        if growth > 0 and self._squeezed_bytes + growth > self._room:
            return Answer(is_taken=False)
        self.listeners.put(said, now_us)
        return Answer()

    def arrive(self, message: Published, now_us: int) -> tuple[Answer, Arrival | None]:
        """Take in an event, unless it has come before, or is to leave and there is no room for it."""
        size = len(bytes(message.event))
        if message.leaves and self.outbox and self._outbox_bytes + size > self._outbox_room:
            return Answer(is_taken=False), None
        event = msgspec.json.decode(message.event)
        if not self._memory.note(event, now_us // 1_000_000):
            return Answer(is_new=False), None
        if message.leaves:
            leaves = with_origin(message.event, message.run, message.trace) if message.run else message.event
            self.outbox.append(leaves)
            self._outbox_bytes += len(bytes(leaves))
        return Answer(), Arrival(message.event, event)

    def send(self, arrival: Arrival, runs: list[str]) -> None:
        """Let an event go to runs."""
        self._last += 1
        if runs:
            heard = Heard(self._last, arrival.raw)
            self._signals += len(runs)
            self._backlog.append(_Delivery(heard, deque((run, self.listeners.runs[run].version) for run in runs)))

    # ── what is to be done ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def has_backlog(self) -> bool:
        """Whether there are events to be brought to runs."""
        return bool(self._backlog)

    @property
    def room_for_events(self) -> int:
        """How many events may be taken at once, all that listen might hear each; 0 while many are still to be brought."""
        return 0 if self._signals >= _MOST_SIGNALS else max(1, _MATCHES_AT_ONCE // max(1, len(self.listeners)))

    def errand(self) -> tuple[Errand, dict[str, int]]:
        """Take the next events out of the backlog.

        Returns:
            What is to be brought to whom, and the versions of what these listen for.
        """
        events: list[Heard] = []
        runs: dict[str, list[tuple[int, int]]] = {}
        versions: dict[str, int] = {}
        size = signals = 0
        while self._backlog and signals < _ERRAND_SIGNALS:
            delivery = self._backlog[0]
            size += len(bytes(delivery.heard.event))
            if events and size > _ERRAND_BYTES:
                break
            events.append(delivery.heard)
            while delivery.runs and signals < _ERRAND_SIGNALS:
                run_id, version = delivery.runs.popleft()
                runs.setdefault(run_id, []).append((len(events) - 1, version))
                versions[run_id] = version
                signals += 1
            if not delivery.runs:
                self._backlog.popleft()
        self._signals -= signals
        return Errand(tuple(events), runs), versions

    def to_forward(self) -> list[msgspec.Raw]:
        """Return the events that leave next; they stay until `forwarded`."""
        return [self.outbox[index] for index in range(min(_FORWARDED, len(self.outbox)))]

    def forwarded(self, count: int) -> None:
        """Forget the first events of those that leave: the sink has them."""
        for _ in range(count):
            self._outbox_bytes -= len(bytes(self.outbox.popleft()))

    # ── room ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def needs_measuring(self) -> bool:
        """Whether it must be found out how much room those who listen take: it is squeezed, so that nobody can tell."""
        grown = self.listeners.size_bytes - self._measured[0]
        return grown > _WORTH_MEASURING and self._squeezed_bytes + _WORTH_MEASURING > self._room

    def measured(self, size_bytes: int) -> None:
        """Take note of how much room they take."""
        self._measured = (self.listeners.size_bytes, size_bytes)

    def kept_listeners(self) -> bytes:
        """Return what is to be squeezed for that."""
        return msgspec.json.encode(self.listeners.kept())

    def kept(self) -> bytes:
        """Return what the next pass begins with."""
        return msgspec.json.encode(
            _Kept(
                self.listeners.kept(),
                self._memory.kept(),
                self._last,
                list(self.outbox),
                list(self._answers.items()),
                self._measured,
            )
        )

    @property
    def _squeezed_bytes(self) -> int:
        plain, squeezed = self._measured
        size = self.listeners.size_bytes
        return squeezed + size - plain if size >= plain else squeezed * size // plain

    @property
    def _room(self) -> int:
        return LISTENERS_BYTES_STORED if self._has_store else LISTENERS_BYTES

    @property
    def _outbox_room(self) -> int:
        return OUTBOX_BYTES_STORED if self._has_store else OUTBOX_BYTES
