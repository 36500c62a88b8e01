"""The guide's examples run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "logging"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, text=True, capture_output=True, check=False, timeout=60)


def test_the_service_logs_what_the_guide_says() -> None:
    """Context in threads, masks, levels and counts."""
    done = run(EXAMPLES / "service.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "hunter2" not in done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["event"], line.get("request_id")) for line in lines] == [
        ("Order placed", "r-17"),
        ("Payment failed", "r-17"),
        ("In a pool", "r-18"),
        ("In a thread", "r-18"),
        ("The same way: patient **********", None),
        ("Log statistics", None),
    ]


def test_the_guide_s_tests_pass() -> None:
    """With the fixture that comes with the package."""
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLES / "test_orders.py")
    assert done.returncode == 0, done.stdout


def test_the_export_s_example_imports() -> None:
    """It needs a receiver to do more; tests/test_otlp.py has one."""
    assert run(EXAMPLES / "export.py").returncode == 0
