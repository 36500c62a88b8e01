"""Asks the nursery for workers, and kills them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fault_load.worker import Orders


@dataclass(frozen=True)
class Worker:
    """A process that was forked to be killed."""

    nursery: Nursery
    pid: int

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Return how it ended: its exit code, or minus the signal that killed it."""
        return self.nursery.ask({"wait": self.pid})

    def kill(self) -> int:
        """Kill it as the kernel does."""
        self.send(signal.SIGKILL)
        return self.wait()


class Nursery:
    """The forking process."""

    def __enter__(self) -> Self:
        lib = str(Path(__file__).parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fault_load.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": lib},
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def fork(self, orders: Orders) -> Worker:
        """Let a worker begin."""
        return Worker(self, self.ask({"orders": orders.as_json()}))

    def ask(self, what: dict[str, Any]) -> int:
        """Send one line and read one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(what)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())
