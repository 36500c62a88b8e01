"""Services as processes of their own, for tests of how they start, live and end."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def started(*arguments: str | Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a Python process whose output goes to a file, and end it whatever happens."""
    with (
        log.open("wb") as output,
        subprocess.Popen([sys.executable, *map(str, arguments)], stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def eventually(condition: Callable[[], Any], what: str, log: Path, patience_s: float = 60) -> Any:
    """Wait until something is the case, and return it; fail with the process's output when it never is."""
    deadline = time.monotonic() + patience_s
    while not (outcome := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true; the log says:\n{log.read_text()[-4_000:]}"
        time.sleep(0.02)
    return outcome


def children(pid: int) -> list[int]:
    """Return the process's children."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal and return the exit status."""
    os.kill(process.pid, number)
    return process.wait(60)
