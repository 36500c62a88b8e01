"""Setting up the log of a process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final, Literal

from maestro_core_logging import _bridges, _endings
from maestro_core_logging._json import render_json
from maestro_core_logging._level_table import ROOT
from maestro_core_logging._levels import level_number
from maestro_core_logging._masking import MASKER
from maestro_core_logging._options import Delivery, Masking, OtlpExport, Repetition, Sampling, Tracebacks
from maestro_core_logging._outlet import OUTLET, Export, Renderer
from maestro_core_logging._sinks import Sink
from maestro_core_logging._streams import LogStream
from maestro_core_logging._volume import Volume

_FORMATS: Final = ("json", "console")


def configure_logging(
    service_name: str,
    log_format: Literal["json", "console"] | None = None,
    log_level: str = "INFO",
    environment: str = "development",
    version: str | None = None,
    stream: LogStream | None = None,
    *,
    levels: Mapping[str, str] | None = None,
    masking: Masking | None = None,
    sampling: Sampling | None = None,
    repetition: Repetition | None = None,
    tracebacks: Tracebacks | None = None,
    delivery: Delivery | None = None,
    otlp: OtlpExport | None = None,
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
        levels: Levels by logger, such as `{"sqlalchemy.engine": "INFO"}`; a name holds for the loggers below it.
        masking: What is masked beside the secrets that always are. Default: nothing more.
        sampling: Which share of lines is written. Default: all.
        repetition: How often the same event is written. Default: always.
        tracebacks: How much is told of exceptions. Default: 50 frames, no local variables.
        delivery: How lines get to their stream, and how many wait while it takes none. Default: 10,000 lines or 16 MiB.
        otlp: Where records go beside the stream. Default: nowhere.

    Raises:
        ValueError: There is no such format or level.
    """
    numbers = {ROOT: level_number(log_level), **{name: level_number(level) for name, level in (levels or {}).items()}}
    if log_format is None:
        log_format = "console" if _is_terminal(sys.stderr) else "json"
    if log_format not in _FORMATS:
        raise ValueError(f"there is no log format {log_format!r}; choose from {', '.join(_FORMATS)}")
    identity = {"service": service_name, "environment": environment}
    if version is not None:
        identity["version"] = version
    delivery = delivery or Delivery()
    sink = Sink(
        stream if stream is not None else "stdout" if log_format == "json" else "stderr", delivery, OUTLET.tell_lost
    )
    MASKER.configure(masking or Masking())
    OUTLET.configure(
        identity=identity,
        render=render_json if log_format == "json" else _for_people(sink, identity),
        sink=sink,
        volume=Volume(sampling, repetition, OUTLET.tell) if sampling or repetition else None,
        export=_export(otlp, identity),
        tracebacks=tracebacks or Tracebacks(),
    )
    OUTLET.levels.configure(numbers)
    _bridges.install()
    _endings.install(delivery)


def _for_people(sink: Sink, identity: dict[str, Any]) -> Renderer:
    from maestro_core_logging._console import ConsoleLines  # noqa: PLC0415 - services that log JSON never need it

    return ConsoleLines(sink.stream, identity)


def _export(otlp: OtlpExport | None, identity: Mapping[str, str]) -> Export | None:
    if otlp is None:
        return None
    from maestro_core_logging._otlp_export import OtlpExporter  # noqa: PLC0415 - it brings the HTTP client along

    return OtlpExporter(otlp, identity, OUTLET.tell)


def _is_terminal(stream: Any) -> bool:
    return stream is not None and not stream.closed and bool(stream.isatty())
