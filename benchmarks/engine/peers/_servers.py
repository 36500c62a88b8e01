"""Starting a peer's server, waiting until it answers, ending it by its process id."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_READY_S = 60.0
_GRACE_S = 10.0


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> Callable[[], Awaitable[bool]]:
    """Return a check that a port takes connections."""

    async def check() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return check


@asynccontextmanager
async def server(
    command: Sequence[str], log: Path, ready: Callable[[], Awaitable[bool]], *, user: str | None = None
) -> AsyncIterator[None]:
    """Run a server while the block runs.

    Args:
        command: The program and its arguments; settings in the environment go through `env NAME=value …`.
        log: Where its output goes.
        ready: Tells whether it answers.
        user: The system user to run it as. Default: the current one.

    Raises:
        RuntimeError: It ended, or it does not answer within a minute; the text has its last words.
    """
    with log.open("wb") as output:
        # Forking blocks the loop for a moment, when nothing is measured yet; ending the process must not depend on a loop.
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, user=user)  # noqa: ASYNC220
    try:
        until = time.monotonic() + _READY_S
        while not await ready():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{log.stem} does not answer: {_last_words(log)}")
            await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
        if process.poll() is None:
            process.kill()
            process.wait()


def _last_words(log: Path) -> str:
    words = log.read_text(errors="replace").strip().splitlines()
    return words[-1] if words else "it says nothing"
