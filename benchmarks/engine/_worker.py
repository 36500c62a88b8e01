"""What a measurement's process runs: one async function, its result or its error as JSON."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any


def _follow_parent() -> None:
    """End with the process that started this one, even when it was killed."""

    def watch() -> None:
        if not sys.stdin.buffer.read():
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


async def _call(target: str, folder: Path, options: dict[str, Any]) -> Any:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    module, _, function = target.partition(":")
    return await getattr(importlib.import_module(module), function)(folder, **options)


def main() -> None:
    """Run `module:function` as the command line names it."""
    target, folder, result, options = sys.argv[1:]
    _follow_parent()
    try:
        outcome = {"figures": asyncio.run(_call(target, Path(folder), json.loads(options)))}
    except BaseException as error:  # noqa: BLE001  whatever it was, the report tells it
        traceback.print_exc()
        outcome = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    Path(result).write_text(json.dumps(outcome))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # everything is closed; a peer's idle thread must not keep the process


if __name__ == "__main__":
    main()
