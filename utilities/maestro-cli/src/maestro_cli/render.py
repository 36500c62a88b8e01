"""Tables and values as a person reads them."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.console import Console
from rich.table import Table

_PIPE_WIDTH: Final = 240
_STATE_STYLES: Final = {
    "ready": "green",
    "running": "cyan",
    "completed": "green",
    "starting": "cyan",
    "backing-off": "yellow",
    "unhealthy": "yellow",
    "stopping": "yellow",
    "failed": "red",
    "cancelled": "yellow",
}


def out() -> Console:
    """Make the console for results: standard output.

    Returns:
        A console that does not cut lines when it writes into a pipe or file.
    """
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def err() -> Console:
    """Make the console for progress and messages: standard error.

    Returns:
        A console that does not cut lines when it writes into a pipe or file.
    """
    return Console(stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH, highlight=False)


def print_json(value: Any) -> None:
    """Print a JSON value on standard output, coloured on a terminal.

    Args:
        value: Any JSON value.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if sys.stdout.isatty():
        out().print_json(text)
    else:
        sys.stdout.write(text + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """Lay out a table.

    Args:
        columns: Headings; no head is shown when all are empty.
        rows: One value per column; None shows as a dash.
        right: Headings of the columns that are aligned to the right.

    Returns:
        The table, to be printed.
    """
    grid = Table(box=None, pad_edge=False, header_style="bold", show_edge=False, show_header=any(columns))
    for column in columns:
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*("-" if value is None else str(value) for value in row))
    return grid


def state(name: str) -> str:
    """Colour the name of a state.

    Args:
        name: For example `ready`.

    Returns:
        Console markup.
    """
    style = _STATE_STYLES.get(name)
    return f"[{style}]{name}[/{style}]" if style else name


def duration(length: timedelta | None) -> str | None:
    """Write a length of time.

    Args:
        length: The time; None when it is not known.

    Returns:
        For example `1h 02m` or `3.2s`, or None.
    """
    if length is None:
        return None
    seconds = max(0.0, length.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def since(start: datetime | None) -> timedelta | None:
    """Tell how long ago something was.

    Args:
        start: The moment; None when there was none.

    Returns:
        The time until now, or None.
    """
    return None if start is None else datetime.now(UTC) - start


def moment(text: str | None) -> str | None:
    """Write a moment from a service's answer in local time.

    Args:
        text: ISO 8601; None when there is none.

    Returns:
        For example `2026-05-04 13:02:01`, or None.
    """
    if not text:
        return None
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def attributes(found: Mapping[str, Any] | None) -> str | None:
    """Write a run's search attributes.

    Args:
        found: As the orchestrator shows them; None when it does not.

    Returns:
        For example `customer=acme amount=100`, or None when there are none.
    """
    return " ".join(f"{name}={_attribute(value)}" for name, value in found.items()) if found else None


def _attribute(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(moment(value.get("time")))
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def counted(count: int, noun: str) -> str:
    """Write a number of things.

    Args:
        count: How many.
        noun: What one is called.

    Returns:
        For example `1 run` or `1,234 runs`.
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int | None) -> str | None:
    """Write a number of bytes.

    Args:
        count: Bytes; None when it is not known.

    Returns:
        For example `93 MiB`, or None.
    """
    return None if count is None else f"{count / 1024**2:.0f} MiB"
