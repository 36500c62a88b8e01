"""The examples of docs/events.md run and pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from maestro_core_messaging.testing import NatsServer

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "events"
PAGE = (ROOT / "docs" / "events.md").read_text("utf-8")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the examples' folder, where they find one another."""
    return subprocess.run(
        [sys.executable, "-B", *command], cwd=EXAMPLES, capture_output=True, text=True, timeout=110, check=False
    )


def test_events_are_published_and_heard(tmp_path: Path):
    """In memory, and with a NATS server."""
    with NatsServer(tmp_path / "nats") as server:
        for arguments in ([], [server.url]):
            done = run("publishing_and_hearing.py", *arguments)
            assert done.returncode == 0, done.stderr
            assert "REJECTED 'maybe' is no decision" in done.stdout
            assert (
                "a consumer of version 1 cannot read version 2: decision: it is required, and is not there"
                in done.stdout
            )


def test_the_test_passes():
    """The service's test needs no server."""
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=prepend", "-o", "addopts="]
    done = run("-m", "pytest", *options, "test_shipping.py")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_every_example_is_shown():
    """No example lies about that no page refers to."""
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(re.findall(r"docs/events/(\w+\.py)", PAGE))
