"""Questions about metrics."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._json import from_text


@dataclass(frozen=True, slots=True)
class Series:
    """A metric of a service with certain attributes, over time."""

    service: str
    name: str
    attributes: Mapping[str, Any]
    kind: str
    unit: str
    points: list[tuple[int, float]]
    """Nanoseconds since the epoch, value; the earliest first."""


def series(connection: sqlite3.Connection, name: str, service: str | None, since_ns: int, limit: int) -> list[Series]:
    """Return the series of a metric.

    Args:
        connection: Where to look.
        name: The metric.
        service: The service; None for all.
        since_ns: From when on.
        limit: How many points in all, the latest.
    """
    rows = connection.execute(
        """SELECT * FROM points WHERE name = ? AND (? IS NULL OR service = ?) AND time_ns >= ?
           ORDER BY time_ns DESC LIMIT ?""",
        (name, service, service, since_ns, limit),
    ).fetchall()
    found: dict[tuple[str, str], Series] = {}
    for row in reversed(rows):
        one = found.setdefault(
            (row["service"], row["attributes"]),
            Series(row["service"], name, from_text(row["attributes"]), row["kind"], row["unit"], []),
        )
        one.points.append((row["time_ns"], row["value"]))
    return [found[key] for key in sorted(found)]
