"""The README's whole programs are run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAMS = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "asyncio.run(main())" in block]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: "queues" if "Queue(" in program else "first")
def test_a_program_runs(program: str, tmp_path: Path):
    """What the README shows works."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_are_programs():
    """The README shows how to begin, and how to queue."""
    assert len(PROGRAMS) == 2
