"""A service's JSON log lines as a person reads them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rich.text import Text

_LEVEL_STYLES: Final = {
    "debug": "dim",
    "info": "green",
    "warning": "yellow",
    "error": "bold red",
    "critical": "bold white on red",
}
_GO_LEVELS: Final = {"warn": "warning", "fatal": "critical"}
# What every line of one service repeats, and what has its own place.
_PLACED: Final = frozenset(
    {"timestamp", "level", "event", "logger", "service", "environment", "version", "exception", "span_id"}
)


def readable(line: str) -> Text:
    """Lay out a log line.

    Args:
        line: One line of a log.

    Returns:
        Time, level, event and fields of a JSON line; any other line as it is.
    """
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return Text(line)
    if isinstance(record, dict) and "msg" in record:
        record = _as_ours(record)
    if not isinstance(record, dict) or "event" not in record:
        return Text(line)
    level = str(record.get("level", ""))
    text = Text()
    text.append(_time(record.get("timestamp")), style="dim")
    text.append(f" {level:<8}", style=_LEVEL_STYLES.get(level, ""))
    text.append(f" {record['event']}", style="bold")
    for name, value in record.items():
        if name not in _PLACED and value is not None:
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text.append(f" {name}=", style="cyan")
            text.append(shown)
    for error in _exceptions(record.get("exception")):
        text.append(f"\n    {error}", style="red")
    return text


def _as_ours(record: dict[str, Any]) -> dict[str, Any]:
    """Bring a line of Go's structured logger, as the Temporal server writes them, into our form."""
    level = str(record.get("level", "")).lower()
    rest = {name: value for name, value in record.items() if name not in {"msg", "time", "level"}}
    renamed = {"timestamp": record.get("time"), "event": record["msg"], "level": _GO_LEVELS.get(level, level)}
    return {**rest, **renamed}


def _time(timestamp: object) -> str:
    try:
        moment = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return " " * 12
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _exceptions(exception: object) -> list[str]:
    if isinstance(exception, str):
        return exception.splitlines()
    chain = exception if isinstance(exception, list) else [exception]
    return [_exception(item) for item in chain if isinstance(item, dict)]


def _exception(item: Mapping[str, Any]) -> str:
    kind = item.get("exc_type") or item.get("type") or "exception"
    message = item.get("exc_value") or item.get("message") or item.get("value") or ""
    return f"{kind}: {message}"
