"""The logger that services use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from maestro_core_logging._fields import clean
from maestro_core_logging._level_table import ROOT, Gate
from maestro_core_logging._levels import level_name
from maestro_core_logging._outlet import OUTLET, Outlet


class Logger:
    """A structured logger: an event, in words that never vary, and fields.

    `logger.info("Order placed", order_id=17)`. Positional arguments after the event are put into it by `%`, for code that
    comes from the standard library; fields are better. `exc_info=error` adds an exception.

    Made by `get_logger`. A logger is immutable: `bind` returns another one.
    """

    __slots__ = ("_context", "_gate", "_outlet")

    def __init__(self, outlet: Outlet, context: Mapping[str, Any], gate: Gate | None = None) -> None:
        self._outlet = outlet
        self._context = context
        self._gate = gate or outlet.levels.gate(context.get("logger", ROOT))

    def __repr__(self) -> str:
        return f"<Logger {dict(self._context)!r}>"

    def debug(self, event: str, /, *args: Any, **fields: Any) -> None:
        """Log what helps to find a fault.

        Args:
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= 10:
            self._outlet.log("debug", event % args if args else event, self._context, fields)

    def info(self, event: str, /, *args: Any, **fields: Any) -> None:
        """Log that something happened as it should.

        Args:
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= 20:
            self._outlet.log("info", event % args if args else event, self._context, fields)

    def warning(self, event: str, /, *args: Any, **fields: Any) -> None:
        """Log what somebody should look at some day.

        Args:
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= 30:
            self._outlet.log("warning", event % args if args else event, self._context, fields)

    def error(self, event: str, /, *args: Any, **fields: Any) -> None:
        """Log that something failed.

        Args:
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= 40:
            self._outlet.log("error", event % args if args else event, self._context, fields)

    def critical(self, event: str, /, *args: Any, **fields: Any) -> None:
        """Log that the service cannot go on.

        Args:
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= 50:
            self._outlet.log("critical", event % args if args else event, self._context, fields)

    def exception(self, event: str, /, *args: Any, **fields: Any) -> None:
        """Log an error with the exception that is being handled.

        Args:
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= 40:
            fields.setdefault("exc_info", True)
            self._outlet.log("error", event % args if args else event, self._context, fields)

    def log(self, level: int, event: str, /, *args: Any, **fields: Any) -> None:
        """Log at a level that is known only now.

        Args:
            level: The standard library's number, such as `logging.INFO`.
            event: What happened.
            *args: Put into the event by `%`.
            **fields: What else is known.
        """
        if self._gate.threshold <= level:
            self._outlet.log(level_name(level), event % args if args else event, self._context, fields)

    def is_enabled_for(self, level: int) -> bool:
        """Tell whether a level is written, for fields that are dear to compute.

        Args:
            level: The standard library's number.

        Returns:
            Whether it is.
        """
        return self._gate.threshold <= level

    def bind(self, **fields: Any) -> Self:
        """Return a logger that adds fields to every line.

        Args:
            **fields: What to add; they win over those bound before.

        Returns:
            Another logger.
        """
        return type(self)(self._outlet, {**self._context, **clean(fields)}, self._gate)

    def unbind(self, *keys: str) -> Self:
        """Return a logger without some of the bound fields.

        Args:
            *keys: Which; those that are not bound do not matter.

        Returns:
            Another logger.
        """
        context = {key: value for key, value in self._context.items() if key not in keys or key == "logger"}
        return type(self)(self._outlet, context, self._gate)


def get_logger(name: str | None = None) -> Logger:
    """Return a logger.

    Args:
        name: Usually `__name__`; shown as `logger` on each line. Default: the service's name.

    Returns:
        A logger. It may be made before `configure_logging` is called, and follows later calls.
    """
    return Logger(OUTLET, {} if name is None else {"logger": name})
