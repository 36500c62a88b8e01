"""Places in queues as the journal keeps them. A row stays from a run's start to its end, whether it has begun or not."""

from __future__ import annotations

import msgspec

from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.machine._events import Admission

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Admission] = msgspec.json.Decoder(Admission)


class PlaceRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of `places`, and what its run's own row says."""

    run: int
    settings: bytes
    begun: int
    status: str
    workflow: str
    created_us: int

    def admission(self) -> Admission:
        """Return what the run waits, or has waited, for.

        Raises:
            msgspec.DecodeError: The row is damaged.
        """
        return _decoder.decode(self.settings)


def put(run: int, admission: Admission, *, begun: int = 0) -> Statement:
    """Return what gives a run a place."""
    return "INSERT INTO places (run, settings, begun) VALUES (?, ?, ?)", (run, _encoder.encode(admission), begun)


def change(run: int, admission: Admission) -> Statement:
    """Return what changes a run's place."""
    return "UPDATE places SET settings = ? WHERE run = ?", (_encoder.encode(admission), run)


def begin(run: int) -> Statement:
    """Return what says that a run has begun."""
    return "UPDATE places SET begun = 1 WHERE run = ?", (run,)


def remove(run: int) -> Statement:
    """Return what takes a run's place away: it ends."""
    return "DELETE FROM places WHERE run = ?", (run,)


def admitted(queue: str, run: int, at_us: int, per_us: int) -> tuple[Statement, ...]:
    """Return what remembers an admission for as long as the queue's rate looks back."""
    return (
        ("DELETE FROM admissions WHERE queue = ? AND at_us <= ?", (queue, at_us - per_us)),
        ("INSERT OR IGNORE INTO admissions (queue, at_us, run) VALUES (?, ?, ?)", (queue, at_us, run)),
    )


def pause(queue: str, note: str) -> Statement:
    """Return what says that a queue is paused."""
    return "INSERT OR REPLACE INTO paused_queues (name, note) VALUES (?, ?)", (queue, note.encode())


def resume(queue: str) -> Statement:
    """Return what says that a queue goes on."""
    return "DELETE FROM paused_queues WHERE name = ?", (queue,)
