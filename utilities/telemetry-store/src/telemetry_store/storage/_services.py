"""Who calls whom, how often, how fast and with what success: worked out from spans."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MOST_ROWS: Final = 200_000


@dataclass(frozen=True, slots=True)
class ServiceLoad:
    """What a service had to answer."""

    service: str
    requests: int
    failed: int
    p50_ns: int
    p95_ns: int


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a service asked of another one."""

    caller: str
    callee: str
    requests: int
    failed: int
    p50_ns: int
    p95_ns: int


def loads(connection: sqlite3.Connection, since_ns: int) -> list[ServiceLoad]:
    """Sum up what each service answered, by name.

    Args:
        connection: Where to look.
        since_ns: From when on; the latest 200,000 answers count.
    """
    rows = connection.execute(
        """SELECT service, duration_ns, failed FROM spans
           WHERE start_ns >= ? AND kind IN ('server', 'consumer') ORDER BY start_ns DESC LIMIT ?""",
        (since_ns, _MOST_ROWS),
    )
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for service, duration, failed in rows:
        found[service].append((duration, failed))
    return [
        ServiceLoad(service, len(answers), sum(failed for _, failed in answers), *_quantiles(answers))
        for service, answers in sorted(found.items())
    ]


def dependencies(connection: sqlite3.Connection, since_ns: int) -> list[Dependency]:
    """Sum up who called whom, by name.

    Args:
        connection: Where to look.
        since_ns: From when on; the latest 200,000 calls count.
    """
    rows = connection.execute(
        """SELECT caller.service, callee.service, callee.duration_ns, callee.failed
           FROM spans AS callee JOIN spans AS caller
             ON caller.trace_id = callee.trace_id AND caller.span_id = callee.parent_id
           WHERE callee.start_ns >= ? AND callee.parent_id <> '' AND caller.service <> callee.service
           ORDER BY callee.start_ns DESC LIMIT ?""",
        (since_ns, _MOST_ROWS),
    )
    found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for caller, callee, duration, failed in rows:
        found[caller, callee].append((duration, failed))
    return [
        Dependency(caller, callee, len(calls), sum(failed for _, failed in calls), *_quantiles(calls))
        for (caller, callee), calls in sorted(found.items())
    ]


def _quantiles(answers: Sequence[tuple[int, int]]) -> tuple[int, int]:
    durations = sorted(duration for duration, _ in answers)
    return durations[len(durations) // 2], durations[min(len(durations) - 1, len(durations) * 95 // 100)]
