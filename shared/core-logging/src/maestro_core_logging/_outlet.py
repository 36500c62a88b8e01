"""What all loggers of a process write to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from opentelemetry.context import get_current
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from maestro_core_logging._context import current_fields
from maestro_core_logging._exceptions import caller_stack, described, exception_of
from maestro_core_logging._fields import add_fields, add_known
from maestro_core_logging._level_table import LevelTable
from maestro_core_logging._masking import MASKER
from maestro_core_logging._options import Tracebacks
from maestro_core_logging._sinks import Sink
from maestro_core_logging._statistics import LogStatistics
from maestro_core_logging._volume import Volume

Renderer = Callable[[dict[str, Any]], bytes]
Receiver = Callable[[dict[str, Any]], None]
Log = Callable[[str, str, Mapping[str, Any], dict[str, Any]], None]

_now: Final = datetime.now
_LIBRARY: Final = "maestro_core_logging"
_trace_text: Final = lru_cache(maxsize=256)(format_trace_id)
_span_text: Final = lru_cache(maxsize=256)(format_span_id)


class Export(Protocol):
    """Takes lines on their way to a receiver."""

    exported: int
    dropped: int

    def take(self, line: Mapping[str, Any], size: int) -> None:
        """Take one line, with about how many bytes it has. It neither waits nor fails."""

    def flush(self, timeout: float) -> bool:
        """Wait until everything is sent; tell whether it is."""

    def renew(self) -> None:
        """Begin anew in a forked child."""

    def close(self) -> None:
        """Send what waits, and end."""


class Outlet:
    """Makes lines and hands them on.

    Loggers keep a reference to the one outlet of the process and ask it for each line, so that those made before the log
    was set up, or bound long ago, follow every later change.

    Attributes:
        levels: Which levels are written. Loggers look before they call.
        log: Makes a line and hands it on, unless there are enough of its kind: `write`, or what asks first.
        receive: Takes each line.
        sink: Where the text goes.
    """

    __slots__ = ("_export", "_render", "_template", "_tracebacks", "_volume", "levels", "log", "receive", "sink")

    def __init__(self) -> None:
        self.levels = LevelTable(self._tell_fall_back)
        self.log: Log = self.write
        self.receive: Receiver = self.print
        self.sink = Sink("stderr")
        self._template: dict[str, Any] = _template({})
        self._render: Renderer | None = None
        self._volume: Volume | None = None
        self._export: Export | None = None
        self._tracebacks = Tracebacks()

    def configure(
        self,
        *,
        identity: Mapping[str, Any],
        render: Renderer,
        sink: Sink,
        volume: Volume | None,
        export: Export | None,
        tracebacks: Tracebacks,
    ) -> None:
        """Change what lines carry, how they look and where they go. What waits is delivered to where it went before.

        Args:
            identity: What every line carries: service, environment, version.
            render: Makes text of a line.
            sink: Where the text goes.
            volume: Which lines are left out; None for none.
            export: Where lines go beside that; None for nowhere.
            tracebacks: How much is told of exceptions.
        """
        if self._volume is not None:
            self._volume.finish()
        if self._export is not None:
            self._export.close()
        self._template = _template(identity)
        self._render = render
        self.sink = sink
        self._volume = volume
        self.log = self.write if volume is None else self._log_if_admitted
        self._export = export
        self._tracebacks = tracebacks

    def write(self, level: str, event: str, context: Mapping[str, Any], fields: dict[str, Any]) -> None:
        """Make a line and hand it on.

        Args:
            level: The level's name in lower case.
            event: What happened.
            context: The logger's own fields, clean already.
            fields: The call's fields; `exc_info` and `stack_info` are taken out of them.
        """
        line = self._template.copy()
        line["timestamp"] = _now(UTC)
        line["level"] = level
        line["event"] = event if event in MASKER.clean_texts else MASKER.plain(event)
        if current := get_current():  # an empty context, which holds no span, is by far the cheapest to look at
            span = get_current_span(current).get_span_context()
            if span.is_valid:
                line["trace_id"] = _trace_text(span.trace_id)
                line["span_id"] = _span_text(span.span_id)
        if ambient := current_fields():
            line.update(ambient)
        line.update(context)
        if fields and not add_known(line, fields):
            self._add_unknown(line, fields)
        self.receive(line)

    def print(self, line: dict[str, Any]) -> None:
        """Write a line; what was lost is told as soon as something can be written again.

        Args:
            line: The line.
        """
        text, sink = (self._render or self._begin())(line), self.sink
        if self._export is not None:
            self._export.take(line, len(text))
        if sink.write(text, line["level"]) and sink.untold:
            self.tell_lost(sink.take_untold())

    def tell_lost(self, lines: int) -> None:
        """Say that lines were lost.

        Args:
            lines: How many.
        """
        self.write("warning", "Log lines were lost", {"logger": _LIBRARY}, {"lines": lines})

    def tell(self, level: str, event: str, logger: str, fields: dict[str, Any]) -> None:
        """Write a line of the log's own, whatever the level and however many there are.

        Args:
            level: The level's name in lower case.
            event: What happened.
            logger: Whose line it is.
            fields: What else is known.
        """
        self.write(level, event, {"logger": logger} if logger else {}, fields)

    def statistics(self) -> LogStatistics:
        """Return how many lines there were, and what became of them."""
        sink, volume, export = self.sink, self._volume, self._export
        return LogStatistics(
            written=sink.written,
            waiting=sink.waiting,
            dropped=sink.dropped,
            suppressed=volume.suppressed if volume else 0,
            sampled_out=volume.sampled_out if volume else 0,
            exported=export.exported if export else 0,
            export_dropped=export.dropped if export else 0,
        )

    def flush(self, timeout: float) -> bool:
        """Wait until everything is delivered.

        Args:
            timeout: How long, in seconds, for the stream and for the export each.

        Returns:
            Whether it is.
        """
        is_sent = self._export is None or self._export.flush(timeout)
        return self.sink.flush(timeout) and is_sent

    def finish(self, timeout: float) -> bool:
        """Tell what is not told yet, then wait until everything is delivered.

        Args:
            timeout: How long, in seconds.

        Returns:
            Whether it is.
        """
        if self._volume is not None:
            self._volume.finish()
        return self.flush(timeout)

    def renew(self) -> None:
        """Make the log usable in a forked child."""
        self.levels.renew()
        self.sink.renew()
        if self._volume is not None:
            self._volume.renew()
        if self._export is not None:
            self._export.renew()

    def _add_unknown(self, line: dict[str, Any], fields: dict[str, Any]) -> None:
        error = exception_of(fields.pop("exc_info")) if "exc_info" in fields else None
        if "stack_info" in fields and fields.pop("stack_info"):
            fields["stack"] = caller_stack()
        add_fields(line, fields)
        if error is not None:
            line["exception"] = described(error, self._tracebacks)

    def _log_if_admitted(self, level: str, event: str, context: Mapping[str, Any], fields: dict[str, Any]) -> None:
        assert self._volume is not None
        share = self._volume.admit(level, context.get("logger", ""), event)
        if share:
            self.write(level, event, context, fields if share == 1.0 else {**fields, "sampled_share": share})

    def _tell_fall_back(self, name: str, before: str, now: str) -> None:
        fields = {"of_logger": name or "root", "from_level": before, "to_level": now}
        self.tell("info", "Log level fell back", _LIBRARY, fields)

    def _begin(self) -> Renderer:
        """Render for people until somebody says otherwise."""
        from maestro_core_logging._console import ConsoleLines  # noqa: PLC0415 - services that log JSON never need it

        self._render = ConsoleLines(self.sink.stream, {})
        return self._render


def _template(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of every line in their order; the copy of a dictionary is cheaper than making one."""
    return {"timestamp": None, "level": "", "logger": identity.get("service", "root"), **identity, "event": ""}


OUTLET: Final = Outlet()  # a process has one log, so this is the one thing here that is global
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OUTLET.renew)
