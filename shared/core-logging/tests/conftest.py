from __future__ import annotations

import io
import json
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from maestro_core_logging import Masking, Tracebacks, configure_logging
from maestro_core_logging._json import render_json
from maestro_core_logging._masking import MASKER
from maestro_core_logging._outlet import OUTLET, Outlet


class Lines(io.StringIO):
    """A stream that reads back what was written as JSON."""

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().split("\n") if line]

    def one(self) -> dict[str, Any]:
        (line,) = self.json()
        return line


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root, show = logging.getLogger(), warnings.showwarning
    quiet = logging.getLogger("httpx2").level
    handlers, level = root.handlers[:], root.level
    hooks, on_sigterm = (sys.excepthook, threading.excepthook), signal.getsignal(signal.SIGTERM)
    yield
    OUTLET.flush(5)
    OUTLET.levels.configure({"": logging.INFO})
    fresh = Outlet()
    OUTLET.configure(
        identity={}, render=render_json, sink=fresh.sink, volume=None, export=None, tracebacks=Tracebacks()
    )
    OUTLET._render = None
    MASKER.configure(Masking())
    root.handlers[:] = handlers
    root.setLevel(level)
    warnings.showwarning = show
    sys.excepthook, threading.excepthook = hooks
    signal.signal(signal.SIGTERM, on_sigterm)
    logging.getLogger("httpx2").setLevel(quiet)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    stream = Lines()
    configure_logging("shop-service", "json", log_level="DEBUG", version="1.2.3", stream=stream)
    return stream
