"""Asserting on what was logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maestro_core_logging._exceptions import described
from maestro_core_logging._json import timestamp_text
from maestro_core_logging._outlet import OUTLET

__all__ = ["capture_logs"]


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """Collect log lines instead of writing them: all levels, from every logger, task and thread of the process.

    Records of the standard library are among them once `configure_logging` was called.

    Yields:
        The lines as dictionaries, with the keys of the JSON format; it fills while the block runs.
    """
    lines: list[dict[str, Any]] = []

    def keep(line: dict[str, Any], error: BaseException | None) -> None:
        line["timestamp"] = timestamp_text(line["timestamp"])
        if error is not None:
            line["exception"] = described(error)
        lines.append(line)

    receive, threshold = OUTLET.receive, OUTLET.threshold
    OUTLET.receive, OUTLET.threshold = keep, 0
    try:
        yield lines
    finally:
        OUTLET.receive, OUTLET.threshold = receive, threshold
