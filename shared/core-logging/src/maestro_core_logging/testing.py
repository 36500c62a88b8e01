"""Asserting on what was logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maestro_core_logging._captured import CapturedLogs
from maestro_core_logging._json import timestamp_text
from maestro_core_logging._outlet import OUTLET

__all__ = ["CapturedLogs", "capture_logs"]


@contextmanager
def capture_logs() -> Iterator[CapturedLogs]:
    """Collect log lines instead of writing them: all levels, from every logger, task and thread of the process.

    Records of the standard library are among them once `configure_logging` was called, from the level in force upwards.
    Sampling and limits of repetition hold as configured.

    Yields:
        The lines as dictionaries, with the keys of the JSON format; it fills while the block runs.
    """
    lines = CapturedLogs()

    def keep(line: dict[str, Any]) -> None:
        line["timestamp"] = timestamp_text(line["timestamp"])
        lines.append(line)

    receive = OUTLET.receive
    OUTLET.receive = keep
    OUTLET.levels.open()
    try:
        yield lines
    finally:
        OUTLET.receive = receive
        OUTLET.levels.close()
