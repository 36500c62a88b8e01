"""Setting up the log of a process."""

from __future__ import annotations

import sys
from typing import Any, Final, Literal

from maestro_core_logging._bridges import install
from maestro_core_logging._json import render_json
from maestro_core_logging._levels import level_number
from maestro_core_logging._outlet import OUTLET, Renderer
from maestro_core_logging._sinks import LogStream, Sink

_FORMATS: Final = ("json", "console")


def configure_logging(
    service_name: str,
    log_format: Literal["json", "console"] | None = None,
    log_level: str = "INFO",
    environment: str = "development",
    version: str | None = None,
    stream: LogStream | None = None,
) -> None:
    """Set up the log of this process; a later call replaces an earlier one.

    Args:
        service_name: Shown as `service` on each line.
        log_format: "json" (for machines, to stdout) or "console" (for people, to stderr). Default: console when stderr is a
            terminal, JSON elsewhere.
        log_level: The least severe level that is written: DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter.
        environment: Shown as `environment` on each line.
        version: The service's version; shown when given.
        stream: Where lines go instead.

    Raises:
        ValueError: There is no such format or level.
    """
    threshold = level_number(log_level)
    if log_format is None:
        log_format = "console" if _is_terminal(sys.stderr) else "json"
    if log_format not in _FORMATS:
        raise ValueError(f"there is no log format {log_format!r}; choose from {', '.join(_FORMATS)}")
    identity = {"service": service_name, "environment": environment}
    if version is not None:
        identity["version"] = version
    sink = Sink(stream if stream is not None else "stdout" if log_format == "json" else "stderr")
    render = render_json if log_format == "json" else _for_people(sink, identity)
    OUTLET.configure(threshold=threshold, identity=identity, render=render, sink=sink)
    install(threshold)


def _for_people(sink: Sink, identity: dict[str, Any]) -> Renderer:
    from maestro_core_logging._console import ConsoleLines  # noqa: PLC0415 - services that log JSON never need it

    return ConsoleLines(sink.stream, identity)


def _is_terminal(stream: Any) -> bool:
    return stream is not None and not stream.closed and bool(stream.isatty())
