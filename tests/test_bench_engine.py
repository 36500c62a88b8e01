"""The engine's benchmark, with sizes so small that only its working is tested and none of its figures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]


def command(folder: Path, *more: str) -> list[str]:
    out = ["--out", str(folder / "engine.json"), "--work", str(folder / "work")]
    return [sys.executable, "-m", "benchmarks.engine", *out, *more]


@pytest.mark.timeout(300)  # it starts a dozen processes, one after another, on a machine that may have much else to do
def test_tiny_run(tmp_path: Path) -> None:
    """Every figure of ours is measured, and a peer that cannot start is named with its reason while the rest goes on."""
    peer = ("--peers-python", sys.executable, "--peers", "dbos_sqlite")  # this environment has no dbos
    done = subprocess.run(
        command(tmp_path, "--plan", "tiny", *peer), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads((tmp_path / "engine.json").read_text())
    assert "No module named 'dbos'" in outcome["failures"].pop("dbos_sqlite")
    assert outcome["failures"] == {}
    assert set(outcome["ours"]) == {
        "sleeping",
        "long_run",
        "journal_size",
        "recovery",
        "finished",
        "over_http",
        "on_temporal",
    }
    assert outcome["systems"]["maestro"]["steps_per_s"]["median"] > 0
    assert outcome["ours"]["over_http"]["runs_per_s"] > 0
    assert "≥ 1,000" in [goal["goal"] for goal in outcome["goals"]]
    assert outcome["machine"]["fsyncs_per_s"] > 0
    assert "not measured: dbos_sqlite: ModuleNotFoundError" in done.stdout
    assert "durable steps/s" in done.stdout


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C ends the measurement and every process that it started."""
    process = subprocess.Popen(command(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (workers := psutil.Process(process.pid).children(recursive=True)) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"stopped" in said
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []
