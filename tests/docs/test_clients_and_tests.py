"""The examples of docs/clients-and-tests.md run and pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "clients-and-tests"
PAGE = (ROOT / "docs" / "clients-and-tests.md").read_text("utf-8")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the examples' folder, where they find one another."""
    return subprocess.run(
        [sys.executable, "-B", *command], cwd=EXAMPLES, capture_output=True, text=True, timeout=110, check=False
    )


def test_the_calls_are_made():
    """Errors, keys, pages, events and options do what the page says."""
    done = run("calling_services.py")
    assert done.returncode == 0, done.stderr


def test_the_tests_pass():
    """The test case and the fixtures find what they assert on."""
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=prepend", "-o", "addopts="]
    done = run("-m", "pytest", *options, "test_orders_case.py", "test_orders_fixtures.py")
    assert "6 passed" in done.stdout, done.stdout + done.stderr


def test_every_example_is_shown_or_imported():
    """No example lies about that no page refers to."""
    shown = set(re.findall(r"docs/clients-and-tests/(\w+\.py)", PAGE))
    assert {path.name for path in EXAMPLES.glob("*.py")} - shown == {"orders_service.py"}
