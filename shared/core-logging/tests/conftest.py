from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from maestro_core_logging import configure_logging
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
    talkative = logging.getLogger("httpx2").level
    handlers, level = root.handlers[:], root.level
    yield
    fresh = Outlet()
    for name in Outlet.__slots__:
        if name != "receive":
            setattr(OUTLET, name, getattr(fresh, name))
    root.handlers[:] = handlers
    root.setLevel(level)
    warnings.showwarning = show
    logging.getLogger("httpx2").setLevel(talkative)
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Lines:
    stream = Lines()
    configure_logging("shop-service", "json", log_level="DEBUG", version="1.2.3", stream=stream)
    return stream
