"""What carries a trace id, whatever kept it, in one form and one order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

GATEWAY: Final = frozenset({"gateway", "envoy"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened within a trace."""

    time: datetime
    kind: str
    """gateway, request, call, step, model, event, query (of a database), work (other spans), log or audit."""
    service: str
    what: str
    span_id: str | None = None
    """The span that it is, or that it was written in."""
    parent_id: str | None = None
    """Of a span: the span that it is a part of."""
    duration_ms: float | None = None
    failed: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_span(self) -> bool:
        """Whether it lasted, and others may be parts of it."""
        return self.duration_ms is not None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "time": self.time.isoformat(),
            "kind": self.kind,
            "service": self.service,
            "what": self.what,
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "duration_ms": self.duration_ms,
            "failed": self.failed,
            "details": dict(self.details),
        }


def span_entry(span: Mapping[str, Any]) -> Entry:
    """Read a span as the telemetry store shows it.

    Args:
        span: The span.
    """
    attributes: Mapping[str, Any] = span["attributes"]
    return Entry(
        time=datetime.fromisoformat(span["start"]),
        kind=_span_kind(span),
        service=span["service"],
        what=_span_name(span["name"], attributes),
        span_id=span["span_id"],
        parent_id=span["parent_id"],
        duration_ms=span["duration_ms"],
        failed=span["failed"],
        details=dict(attributes) | ({"message": span["message"]} if span["message"] else {}),
    )


def log_entry(line: Mapping[str, Any]) -> Entry:
    """Read a log line as the telemetry store shows it.

    Args:
        line: The line.
    """
    return Entry(
        time=datetime.fromisoformat(line["time"]),
        kind="log",
        service=line["service"],
        what=line["event"],
        span_id=line["span_id"],
        failed=line["level"] in {"error", "critical"},
        details={"level": line["level"], **line["attributes"]},
    )


def in_order_of_time(entries: Iterable[Entry]) -> list[Entry]:
    """Order entries by when they happened.

    Args:
        entries: The entries.
    """
    return sorted(entries, key=lambda entry: entry.time)


def as_tree(entries: Iterable[Entry]) -> Iterator[tuple[int, Entry]]:
    """Order entries so that each stands below the span that it is a part of.

    What belongs to a span that is not here stands at the top. Spans that are said to be parts of each other, which nobody
    can be, stand there too.

    Args:
        entries: The entries.

    Yields:
        How deep each stands, and the entry.
    """
    ordered = in_order_of_time(entries)
    spans = {entry.span_id for entry in ordered if entry.is_span}
    below: dict[str | None, list[Entry]] = defaultdict(list)
    for entry in ordered:
        above = entry.parent_id if entry.is_span else entry.span_id
        below[above if above in spans and above != (entry.span_id if entry.is_span else None) else None].append(entry)
    shown: set[int] = set()
    for entry in (*below[None], *ordered):
        yield from _branch(entry, below, shown)


def _branch(entry: Entry, below: Mapping[str | None, list[Entry]], shown: set[int]) -> Iterator[tuple[int, Entry]]:
    waiting = [(0, entry)]
    while waiting:
        deep, one = waiting.pop()
        if id(one) in shown:
            continue
        shown.add(id(one))
        yield deep, one
        if one.is_span:
            waiting += [(deep + 1, part) for part in reversed(below.get(one.span_id, []))]


def _span_kind(span: Mapping[str, Any]) -> str:
    attributes = span["attributes"]
    if span["service"] in GATEWAY:
        return "gateway"
    if any(name.startswith("gen_ai.") for name in attributes):
        return "model"
    if "db.system.name" in attributes:
        return "query"
    if span["name"].startswith("step "):
        return "step"
    if span["kind"] in {"producer", "consumer"} or "messaging.system" in attributes:
        return "event"
    return {"server": "request", "client": "call"}.get(span["kind"], "work")


def _span_name(name: str, attributes: Mapping[str, Any]) -> str:
    # A client's span is named by its method alone, as the conventions want it; a person wants to know where it went.
    return f"{name} {attributes['url.full']}" if "url.full" in attributes and " " not in name else name
