"""What the journal keeps of events: which have come, who listens, what is still to leave, and how much a run has told."""

from __future__ import annotations

from maestro_workflow_engine.embedded._journal import Statement

REMEMBERED_US = 7 * 24 * 3_600 * 1_000_000
"""How long an event is known to have come: sent again within that time, it is the same event."""

_ARRIVED = "INSERT INTO events (source, id, type, time_us) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM events WHERE time_us < ?"
_SUBSCRIBE = (
    "INSERT INTO subscriptions (run, name, filters) VALUES (?, ?, ?)"
    " ON CONFLICT (run, name) DO UPDATE SET filters = excluded.filters"
)
_UNSUBSCRIBE = "DELETE FROM subscriptions WHERE run = ? AND name = ?"
_UNSUBSCRIBE_ALL = "DELETE FROM subscriptions WHERE run = ?"
_LEAVE = "INSERT INTO outbox (number, event) VALUES (?, ?)"
_LEFT = "DELETE FROM outbox WHERE number <= ?"
_TOLD = "INSERT INTO announced (run, number) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET number = excluded.number"
_TOLD_ALL = "DELETE FROM announced WHERE run = ?"


def arrived(event: dict[str, object], time_us: int) -> Statement:
    """Return what says that an event has come."""
    return _ARRIVED, (event["source"], event["id"], event["type"], time_us)


def forgetting(time_us: int) -> Statement:
    """Return what forgets events that came long before a time."""
    return _FORGET, (time_us - REMEMBERED_US,)


def subscribed(run: int, name: str, filters: bytes) -> Statement:
    """Return what says that a run listens."""
    return _SUBSCRIBE, (run, name, filters)


def unsubscribed(run: int, name: str) -> Statement:
    """Return what says that a run listens no more under a name."""
    return _UNSUBSCRIBE, (run, name)


def silenced(run: int) -> tuple[Statement, ...]:
    """Return what says that a run has ended, as far as events go."""
    return (_UNSUBSCRIBE_ALL, (run,)), (_TOLD_ALL, (run,))


def leaving(number: int, event: bytes) -> Statement:
    """Return what keeps an event until it has been handed over to the sink."""
    return _LEAVE, (number, event)


def left(number: int) -> Statement:
    """Return what says that the events up to a number have been handed over."""
    return _LEFT, (number,)


def told(run: int, number: int) -> Statement:
    """Return what says how much a run has told about itself."""
    return _TOLD, (run, number)
