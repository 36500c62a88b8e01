"""One structured log line: maestro_core_logging beside structlog's documented production set-up and beside its floor, in one run.

All take turns in short rounds, and the best round of each counts, in processor time of this process, so that a busy machine says nearly the same as
an idle one. `--ways` measures how lines get to a pipe: at once, or by a thread that writes what has gathered.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import orjson
import structlog

from maestro_core_logging import Delivery, configure_logging, flush_logs, get_logger, log_context

LINES, ROUNDS = 2_000, 60
EVENT = "User action completed"
FIELDS: dict[str, Any] = {"user_id": 123, "action": "create_workflow", "duration": 1.5}


def take_turns(candidates: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the best round of each, in µs a line."""
    best = dict.fromkeys(candidates, float("inf"))
    for _ in range(ROUNDS):
        for name, log in candidates.items():
            begun = time.process_time()
            for _ in range(LINES):
                log()
            best[name] = min(best[name], time.process_time() - begun)
    return {name: seconds / LINES * 1e6 for name, seconds in best.items()}


def peer(stream: Any) -> Callable[[], Any]:
    """Return structlog as its documentation sets it up for production, writing to a stream."""
    logger = structlog.wrap_logger(
        structlog.BytesLogger(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        cache_logger_on_first_use=True,
    ).bind()
    return lambda: logger.info(EVENT, user_id=123, action="create_workflow", duration=1.5)


def one_line() -> None:
    """Compare a line with the peer's and with the floor: the same bytes, serialised and written, and nothing else."""
    with Path("/dev/null").open("wb", buffering=0) as null, Path("/dev/null").open("w") as text:
        configure_logging("bench-service", "json", stream=text)
        ours = get_logger("bench")
        line = {"timestamp": "2026-01-02T03:04:05.000006Z", "level": "info", "logger": "bench", "service": "bench-service",
                "environment": "development", "event": EVENT, **FIELDS}  # fmt: skip
        number = 0

        def varying() -> None:
            nonlocal number
            number += 1
            with log_context(request_id=f"0193a7c1-{number:08x}-7abc-9def-0123456789ab"):
                ours.info("Request answered", method="GET", path=f"/orders/{number}", status=200, duration_ms=1.234)

        figures = take_turns(
            {
                "orjson.dumps + write": lambda: null.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)),
                "structlog's production set-up": peer(null),
                "maestro_core_logging": lambda: ours.info(EVENT, user_id=123, action="create_workflow", duration=1.5),
                "… an access log line, all texts new": varying,
                "… a level that is not written": lambda: ours.debug(EVENT, user_id=123),
            }
        )
    floor, theirs, own = list(figures.values())[:3]
    for name, figure in figures.items():
        print(f"{name:40} {figure:6.2f} µs a line")
    print(f"{theirs / own:.2f} x as fast as structlog (goal 2), {own / floor:.2f} x the floor (goal at most 5)")


def ways() -> None:
    """Compare how lines get to a pipe whose reader keeps up, with the processor time of all threads."""
    for way in ("direct", "thread"):
        with reader() as stream:
            delivery = Delivery(way=way, buffer_lines=1_000_000, buffer_bytes=2**30)  # type: ignore[arg-type]
            configure_logging("bench-service", "json", stream=stream, delivery=delivery)
            info = get_logger("bench").info
            best = float("inf")
            for _ in range(ROUNDS):
                begun = time.process_time()
                for _ in range(LINES):
                    info(EVENT, user_id=123, action="create_workflow", duration=1.5)
                flush_logs()
                best = min(best, time.process_time() - begun)
            print(f"a pipe, {way:7} {best / LINES * 1e6:6.2f} µs a line")


@contextmanager
def reader() -> Iterator[TextIO]:
    """Run a process that reads as fast as it can."""
    with subprocess.Popen(
        [sys.executable, "-c", "import os\nwhile os.read(0, 1 << 20): pass"], stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        yield process.stdin
        process.stdin.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", action="store_true", help="compare the ways to a pipe")
    ways() if parser.parse_args().ways else one_line()
