"""What `configure_logging` decides. A process has one log, so this is the one thing here that is global."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from typing import Any, Protocol

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
FORMATS = ("json", "console")


class LogStream(Protocol):
    """Where lines go: anything with `write` and `flush`, such as sys.stdout."""

    def write(self, text: str, /) -> object:
        """Take one line."""

    def flush(self) -> object:
        """Pass on what was taken."""


@dataclass(slots=True)
class Settings:
    """The settings in force."""

    level: int = logging.INFO
    log_format: str = "console"
    stream: LogStream | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """What every line carries: service, version, environment."""

    def target(self) -> LogStream:
        """Return where lines go now: the given stream, else stdout for JSON and stderr for people."""
        if self.stream is not None:
            return self.stream
        return sys.stdout if self.log_format == "json" else sys.stderr


settings = Settings()
