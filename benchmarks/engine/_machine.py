"""The machine: what a figure means depends on its processors and on how often a second its disk can be made sure of."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

_PAGE = b"x" * 4096


async def measure(folder: Path, *, seconds: float) -> dict[str, Any]:
    """Measure what bounds every durable engine here.

    Args:
        folder: A folder on the disk that all measurements use.
        seconds: How long each of the two takes.

    Returns:
        `fsyncs_per_s`: one 4 KiB page written and synchronised; `commits_per_s`: one row and one SQLite transaction
        (WAL, synchronous=FULL), as a journal without batching would do for each step.
    """
    return {
        "fsyncs_per_s": fsyncs_per_s(folder / "fsync", seconds),
        "commits_per_s": _commits(folder / "floor.db", seconds),
    }


def facts() -> dict[str, Any]:
    """Return what is known of the machine without measuring."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def fsyncs_per_s(path: Path, seconds: float) -> float:
    """Return how often a second one page can be written and synchronised."""
    count, begun = 0, time.perf_counter()
    with path.open("wb", buffering=0) as file:
        while time.perf_counter() - begun < seconds:
            file.seek(count % 256 * len(_PAGE))
            file.write(_PAGE)
            os.fsync(file.fileno())
            count += 1
    return count / (time.perf_counter() - begun)


def _commits(path: Path, seconds: float) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE history (run INTEGER, position INTEGER, event BLOB, PRIMARY KEY (run, position)) WITHOUT ROWID"
    )
    event, count, begun = b"x" * 120, 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO history VALUES (?, ?, ?)", (count // 5, count % 5, event))
        connection.execute("COMMIT")
        count += 1
    rate = count / (time.perf_counter() - begun)
    connection.close()
    return rate
