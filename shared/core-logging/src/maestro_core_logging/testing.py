"""Asserting on what was logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from maestro_core_logging._masking import mask_secrets
from maestro_core_logging._processors import add_context, chain, describe_exceptions
from maestro_core_logging._settings import settings


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """Collect log lines instead of writing them, all levels, from every logger of the process.

    Yields:
        The lines as dictionaries, with the keys of the JSON format; it fills while the block runs.
    """
    lines: list[dict[str, Any]] = []

    def keep(_logger: Any, _method: str, event: Any) -> Any:
        lines.append(dict(event))
        raise structlog.DropEvent

    before, level = list(chain), settings.level
    chain[:] = [structlog.contextvars.merge_contextvars, add_context, mask_secrets, describe_exceptions, keep]
    settings.level = 0
    try:
        yield lines
    finally:
        chain[:] = before
        settings.level = level


__all__ = ["capture_logs"]
