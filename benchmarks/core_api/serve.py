"""`python -m benchmarks.core_api.serve KIND PORT`: one of the applications on granian's embedded server, the same for all."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop
from benchmarks.core_api.apps import BUILDERS
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server


def main() -> None:
    """Serve until killed."""
    kind, port = sys.argv[1], int(sys.argv[2])
    app = BUILDERS[kind]()
    if kind.startswith("maestro"):
        app.run(port=port)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(app, port))


async def _serve(app: Any, port: int) -> None:
    options: Any = {"interface": Interfaces.ASGI, "backlog": 1_024, "log_level": LogLevels.error}
    await Server(app, "127.0.0.1", port, **options).serve()


if __name__ == "__main__":
    main()
