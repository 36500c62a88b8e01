"""Write the dashboards and rules of every service: `python infrastructure/write.py`, or `make monitoring`.

With `--check` nothing is written, and the exit status is 1 when a file is not what would be written. The services are those of the
entry points `maestro.services`; each is read in a process of its own, without the settings of whoever calls.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from maestro_core_config import inherited_environment

ROOT = Path(__file__).parent


def main(root: Path = ROOT, *options: str) -> int:
    """Write, or check with the option `--check`.

    Returns:
        The worst exit status of all.
    """
    worst = 0
    for service in sorted(entry_points(group="maestro.services"), key=lambda point: point.name):
        command = [sys.executable, "-m", "maestro_core_monitoring", "all", f"{service.value}.main:app"]
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run(
                [*command, "--output", str(root), *options], check=False, cwd=elsewhere, env=inherited_environment()
            )
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(ROOT, *sys.argv[1:]))
