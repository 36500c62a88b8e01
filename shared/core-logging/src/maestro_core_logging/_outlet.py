"""What all loggers of a process write to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from opentelemetry.context import get_current
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from maestro_core_logging._context import current_fields
from maestro_core_logging._exceptions import exception_of
from maestro_core_logging._fields import add_fields
from maestro_core_logging._levels import LEVELS
from maestro_core_logging._sinks import Sink

Renderer = Callable[[dict[str, Any], BaseException | None], bytes]
Receiver = Callable[[dict[str, Any], BaseException | None], None]

_now: Final = datetime.now
_trace_text: Final = lru_cache(maxsize=256)(format_trace_id)
_span_text: Final = lru_cache(maxsize=256)(format_span_id)


class Outlet:
    """Makes lines and hands them on.

    Loggers keep a reference to the one outlet of the process and ask it for each line, so that those made before the log
    was set up, or bound long ago, follow every later change.

    Attributes:
        threshold: The least severe level that is written, as a number. Loggers look before they call.
        receive: Takes each line, with the exception that belongs to it.
    """

    __slots__ = ("_lost", "_render", "_sink", "_template", "receive", "threshold")

    def __init__(self) -> None:
        self.threshold = LEVELS["INFO"]
        self.receive: Receiver = self.print
        self._template: dict[str, Any] = _template({})
        self._render: Renderer | None = None
        self._sink = Sink("stderr")
        self._lost = 0

    def configure(self, *, threshold: int, identity: Mapping[str, Any], render: Renderer, sink: Sink) -> None:
        """Change what lines carry, how they look and where they go.

        Args:
            threshold: The least severe level that is written, as a number.
            identity: What every line carries: service, environment, version.
            render: Makes text of a line.
            sink: Where the text goes.
        """
        self.threshold = threshold
        self._template = _template(identity)
        self._render = render
        self._sink = sink

    def log(self, level: str, event: str, context: Mapping[str, Any], fields: dict[str, Any]) -> None:
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
        line["event"] = event
        if current := get_current():  # an empty context, which holds no span, is by far the cheapest to look at
            span = get_current_span(current).get_span_context()
            if span.is_valid:
                line["trace_id"] = _trace_text(span.trace_id)
                line["span_id"] = _span_text(span.span_id)
        if ambient := current_fields():
            line.update(ambient)
        line.update(context)
        error = exception_of(fields.pop("exc_info")) if "exc_info" in fields else None
        add_fields(line, fields)
        self.receive(line, error)

    def print(self, line: dict[str, Any], error: BaseException | None) -> None:
        """Write a line; what is lost is counted, and told as soon as something can be written again.

        Args:
            line: The line.
            error: The exception that belongs to it.
        """
        render = self._render or self._begin()
        if not self._sink.write(render(line, error)):
            self._lost += 1
        elif self._lost:
            lost, self._lost = self._lost, 0
            self.log("warning", "Log lines were lost", {"logger": __name__}, {"lines": lost})

    def renew_lock(self) -> None:
        """Make the log usable in a forked child."""
        self._sink.renew_lock()

    def _begin(self) -> Renderer:
        """Render for people until somebody says otherwise."""
        from maestro_core_logging._console import ConsoleLines  # noqa: PLC0415 - services that log JSON never need it

        self._render = ConsoleLines(self._sink.stream, {})
        return self._render


def _template(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of every line in their order; the copy of a dictionary is cheaper than making one."""
    return {"timestamp": None, "level": "", "logger": identity.get("service", "root"), **identity, "event": ""}


OUTLET: Final = Outlet()  # a process has one log, so this is the one thing here that is global
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OUTLET.renew_lock)
