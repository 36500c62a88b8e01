"""Forks workers. Everything is imported once, here, so that a worker is at work within milliseconds.

It reads orders as JSON lines and answers each with one line: {"orders": …} with the worker's process id, {"wait": pid} with
how it ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from pathlib import Path

import maestro_workflow_engine.temporal
from fault_load.worker import Orders, work

assert maestro_workflow_engine.temporal  # it is otherwise imported when an engine is opened


def main() -> None:
    """Serve until stdin closes."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "orders" in asked:
            answer = _fork(Orders(**asked["orders"]))
        else:
            _, status = os.waitpid(asked["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _fork(orders: Orders) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        output = os.open(Path(orders.folder) / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in (1, 2):
            os.dup2(output, number)
        os.close(0)
        asyncio.run(work(orders))
    except BaseException:  # noqa: BLE001  this process must not go on as a second nursery
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
