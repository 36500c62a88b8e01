"""From a log call to a line: the chain that every event walks, from structlog and from the standard library alike."""

from __future__ import annotations

import sys
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from opentelemetry import trace

from maestro_core_logging._masking import mask_secrets
from maestro_core_logging._settings import settings

Event = MutableMapping[str, Any]

# structlog's loggers keep a reference to this list; it is changed in place, so that loggers made earlier follow.
chain: list[Any] = []

_describe_exception = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)


def add_context(_logger: Any, method: str, event: Event) -> Event:
    """Add what every line carries: time, level, service, trace."""
    line: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(time.time_ns() / 1e9, UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z"),
        "level": "error" if method == "exception" else method,
    }
    line.update(settings.fields)
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"] = trace.format_trace_id(span.trace_id)
        line["span_id"] = trace.format_span_id(span.span_id)
    line.update(event)
    return line


def describe_exceptions(_logger: Any, _method: str, event: Event) -> Event:
    """Turn `exc_info` into data: one entry per exception of the chain, with type, value and frames."""
    exc_info = event.pop("exc_info", None)
    if not exc_info:
        return event
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if exc_info[0] is not None:
        event["exception"] = _describe_exception(exc_info)
    return event


def render_json(_logger: Any, _method: str, event: Event) -> str:
    """Render one line of JSON; a value without a JSON form is shown by its repr."""
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


class ConsoleLine:
    """Renders a line that a person likes to read: time, level, event, fields; colours on a terminal only."""

    def __init__(self, *, colors: bool) -> None:
        self._render = structlog.dev.ConsoleRenderer(
            colors=colors,
            pad_event_to=40,
            timestamp_key="timestamp",
            event_key="event",
            exception_formatter=structlog.dev.plain_traceback,  # the pretty one shows local variables, secrets included
        )

    def __call__(self, logger: Any, method: str, event: Event) -> str:
        for key in settings.fields:
            event.pop(key, None)
        event.pop("span_id", None)
        event["timestamp"] = event["timestamp"][11:23]
        event.setdefault("logger", "")
        return self._render(logger, method, event)


def build_chain() -> list[Any]:
    """Return the processors for the settings in force."""
    common: list[Any] = [structlog.contextvars.merge_contextvars, add_context, mask_secrets]
    if settings.log_format == "json":
        return [*common, describe_exceptions, render_json]
    is_terminal = bool(getattr(settings.target(), "isatty", bool)())
    return [*common, ConsoleLine(colors=is_terminal)]
