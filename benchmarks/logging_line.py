"""One structured log line: maestro_core_logging beside structlog's documented production set-up, in one run."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from typing import Any

import orjson
import structlog

from maestro_core_logging import configure_logging, get_logger

LINES, ROUNDS = 50_000, 5


def cost(log: Callable[..., Any]) -> float:
    """Return the best of several rounds, in µs a line."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(LINES):
            log("User action completed", user_id=123, action="create_workflow", duration=1.5)
        best = min(best, time.perf_counter() - begun)
    return best / LINES * 1e6


def main() -> None:
    """Print the figures."""
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(io.BytesIO()),
    )
    peer = cost(structlog.get_logger().info)
    configure_logging("bench-service", "json", stream=io.StringIO())
    ours = cost(get_logger("bench").info)
    print(f"structlog's production set-up: {peer:.2f} µs a line")
    print(
        f"maestro_core_logging (service, environment, logger, trace ids, masking as well): {ours:.2f} µs, {ours / peer:.2f} x"
    )


if __name__ == "__main__":
    main()
