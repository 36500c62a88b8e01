"""SIGKILL at every boundary of the journal, and at random; afterwards everything acknowledged is there, once.

`make test` dies once at each place and a few times at random. `make chaos` (MAESTRO_CHAOS_KILLS) dies many times.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from maestro_workflow_engine.embedded import _crash_points

WORKER = Path(__file__).with_name("worker.py")
RUNS = 12
KILLS = int(os.environ.get("MAESTRO_CHAOS_KILLS", "6"))
HITS = (1, 2, 4, 7, 11) if KILLS >= 100 else (7,)


def run(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(folder), str(RUNS), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(folder: Path) -> None:
    output, errors = (process := run(folder)).communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output == "finished\n"


def journalled(folder: Path) -> set[str]:
    """Return the idempotency keys of the steps whose results are on disk."""
    with sqlite3.connect(folder / "journal.db") as connection:
        made = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        rows = (
            connection.execute(
                "SELECT r.id || '/' || json_extract(h.event, '$.seq') FROM history h JOIN runs r ON r.key = h.run"
                " WHERE json_extract(h.event, '$.type') = 'step_completed'"
            ).fetchall()
            if made
            else []
        )  # it may have been killed before it had made its tables
    connection.close()
    return {row[0] for row in rows}


def lines(folder: Path) -> list[str]:
    record = folder / "record"
    return record.read_text().splitlines() if record.exists() else []


def check_record(folder: Path) -> None:
    """Every run ended as it should, every step left its trace, and every journalled step is journalled once."""
    record = lines(folder)
    for run_id in (f"r{number}" for number in range(RUNS)):
        for name in ("first", "left", "flaky", "child", "last"):
            assert any(line.endswith(f" {run_id} {name}") for line in record), (run_id, name)
        assert f"acknowledged result {run_id}" in record
    with sqlite3.connect(folder / "journal.db") as connection:
        (doubled,) = connection.execute(
            "SELECT count(*) FROM (SELECT run, json_extract(event, '$.seq') AS seq FROM history"
            " WHERE json_extract(event, '$.type') = 'step_completed' GROUP BY run, seq HAVING count(*) > 1)"
        ).fetchone()
        signals = Counter(
            row[0]
            for row in connection.execute(
                "SELECT r.id FROM history h JOIN runs r ON r.key = h.run"
                " WHERE json_extract(h.event, '$.type') = 'signal_received'"
            )
        )
    connection.close()
    assert doubled == 0
    assert signals == {f"r{number}": 1 for number in range(RUNS)}


@pytest.mark.parametrize("hits", HITS)
@pytest.mark.parametrize("point", _crash_points.ALL)
def test_death_at_a_boundary_loses_nothing_and_repeats_nothing(tmp_path: Path, point: str, hits: int):
    """Die at a named place, start again: acknowledged work is there, and journalled steps do not run again."""
    process = run(tmp_path, point, str(hits))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    done, before = journalled(tmp_path), len(lines(tmp_path))
    finish(tmp_path)
    again = {line.split()[0] for line in lines(tmp_path)[before:] if re.match(r"\S+/\d+ ", line)}
    assert not again & done
    check_record(tmp_path)


def test_random_kills_lose_nothing_and_repeat_nothing(tmp_path: Path):
    """Kill the process again and again at random moments; between kills no journalled step runs a second time."""
    chance = random.Random(17)
    killed = folder_number = 0
    while killed < KILLS:
        folder = tmp_path / str(folder_number)
        folder.mkdir()
        folder_number += 1
        for _ in range(min(12, KILLS - killed)):
            done = journalled(folder) if (folder / "journal.db").exists() else set()
            before = len(lines(folder))
            process = run(folder)
            time.sleep(chance.uniform(0.2, 0.6))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
            again = {line.split()[0] for line in lines(folder)[before:] if re.match(r"\S+/\d+ ", line)}
            assert not again & done
        finish(folder)
        check_record(folder)


def test_a_stopped_process_goes_on_where_it_stood(tmp_path: Path):
    """SIGSTOP and SIGCONT: time passes, nothing is lost, no step runs twice."""
    process = run(tmp_path)
    while len(lines(tmp_path)) < 5:
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    process.send_signal(signal.SIGCONT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "finished\n"), errors
    keys = Counter(line.split()[0] for line in lines(tmp_path) if re.match(r"\S+/\d+ ", line))
    assert max(keys.values()) == 1
    check_record(tmp_path)
